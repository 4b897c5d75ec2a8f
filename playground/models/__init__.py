from playground.concurrency.first_import import import_alone

import_alone("transformers", "AutoModelForCausalLM", "AutoTokenizer", "GenerationMixin", "PreTrainedModel")
