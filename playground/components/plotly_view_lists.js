// Of the scripts of PlotlyView, and of the pin tray: the lists of a Plotly figure, as it was sent. Knows no page.

const ARRAYS = {i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array,
  f4: Float32Array, f8: Float64Array};

/** A list or table of a figure as plain arrays: plotly.py sends numpy's as base64, a table's shape as “rows, columns”. */
function listOf(values) {
  if (values?.bdata === undefined) return values ?? null;
  const bytes = Uint8Array.from(atob(values.bdata), (letter) => letter.charCodeAt(0));
  const flat = new ARRAYS[values.dtype](bytes.buffer);
  const [rows, columns] = String(values.shape ?? '').split(',').map(Number);
  if (!columns) return Array.from(flat);
  return Array.from({length: rows}, (_, row) => Array.from(flat.subarray(row * columns, (row + 1) * columns)));
}
