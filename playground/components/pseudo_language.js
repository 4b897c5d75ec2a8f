// Of the scripts that translate the page: a language that proves where translations go. Every text that the page translates has
// accents, is a third longer and stands in ⟦ ⟧: what stays plain is out of the translation's reach, and what is cut has no ⟧.

const ACCENTED = Object.fromEntries([...'AaCcDdEeGgHhIiKkLlNnOoRrSsTtUuWwYyZz'].map((letter, n) =>
  [letter, [...'ÅåÇçĐđÉéĞğĤĥÎîĶķĻļÑñÖöŔŕŠšŢţÛûŴŵÝýŽž'][n]]));

class PseudoLanguage {
  constructor() {
    this.missing = new Set();
  }

  translate(text) {
    if (/^⟦|⟧$/.test(text)) return {text, isWhole: true};
    const said = text.split(/(“[^”]*”|<[^>]*>|%\{[^}]*\})/).map((part, n) =>
      (n % 2 ? part : part.replace(/[A-Za-z]/g, (letter) => ACCENTED[letter] ?? letter))).join('');
    const more = Math.ceil(text.replace(/<[^>]*>|%\{[^}]*\}/g, '').length * 0.35);
    const words = more > 6 ? ' ~~~~~~'.repeat(Math.ceil(more / 7)) : '~'.repeat(more);
    return {text: `⟦${said}${words}⟧`, isWhole: true};
  }
}
