"""Texts of the link to a view: its button, its field, what is said when one is opened."""

LINK = "Link to this view"
FIELD = "This view's address. Select and copy it."
QR_LABEL = "The address as a QR code, drawn by this server"
TOO_LONG = "Too long for a QR code, which holds {most:,} characters; this address has {count:,}."
LEFT_OUT = "Not in the link, because too long: {names}."

SAME_NUMBERS = "Opened from a link: the numbers are the same here, to six digits."
OTHER_PROBABILITY = (
    "Opened from a link: here the next token “{token}” has probability {here}, in the link {there}; {apart} apart."
)
OTHER_TOKEN = (
    "Opened from a link: here the most probable next token is “{other}” with {here}; in the link it is “{token}” with "
    "{there}."
)
OTHER_STATE = "Opened from a link: here the last token's state is {here} long, in the link {there}."
OPENED = "Opened from a link."
OTHER_WEIGHTS = "The weights are not the link's: {here} here, {there} there."
OTHER_PRECISION = "The link has the number format {there}; here it is {here}."
NO_MODEL = "The link's model {model} can't be opened here; the page has its own."
IGNORED = "Not taken from the link: {names}."
CLAMPED = "Moved into range: {names}."
MORE = "{count:,} more"
