"""Where the work of pages and endpoints is done: in this process, or in others. Knows no page, no endpoint and no model."""
