"""What is said of the engine, which does the work of pages and endpoints elsewhere."""

UNKNOWN_FUNCTION = "The worker has no function {name}."
SAME_VERSION = "Run the same version of the playground with the same options on every machine."
FILE_TOO_LARGE = "The file has {size} bytes; a worker sends at most {most}."
ASK_FOR_LESS = "Ask for less at once, such as a shorter text."
