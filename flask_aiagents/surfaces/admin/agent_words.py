"""What the words of agents mean, for people who choose among them."""

from __future__ import annotations

from .texts import _l

CAPABILITIES = {
    "chat": _l("Holds a conversation over several turns"),
    "classification": _l("Sorts texts into given classes"),
    "code_generation": _l("Writes code"),
    "code_review": _l("Reads code and says what to fix"),
    "content_creation": _l("Writes articles, posts and mails"),
    "data_analysis": _l("Reads figures and says what they tell"),
    "document_processing": _l("Works through long documents"),
    "extraction": _l("Takes facts out of texts"),
    "function_calling": _l("Calls functions with arguments of its own"),
    "planning": _l("Breaks a goal into steps"),
    "question_answering": _l("Answers questions from what it knows or is given"),
    "reasoning": _l("Thinks in several steps before it answers"),
    "research": _l("Gathers and weighs what is known"),
    "structured_output": _l("Answers in JSON of a given schema"),
    "summarization": _l("Makes long texts short"),
    "text_generation": _l("Writes free text"),
    "tool_use": _l("Uses the tools that are ticked below"),
    "translation": _l("Translates between languages"),
    "vision": _l("Reads images"),
    "web_search": _l("Looks things up on the web"),
}
"""One line for each capability that comes with us; those of the host have only their names."""

TYPES = {
    "analytical": _l("Examines data and explains what it shows"),
    "automation": _l("Carries out recurring tasks by rules and tools"),
    "cognitive": _l("Understands a situation, reasons about it and decides"),
    "conversational": _l("Talks with people over many turns"),
    "generative": _l("Creates texts, code and other content"),
    "predictive": _l("Estimates what comes next from what is known"),
}
"""One line for each agent type whose name does not say enough."""

WORDS = {
    # types
    "analyst": _l("Analyst"),
    "analytical": _l("Analytical"),
    "assistant": _l("Assistant"),
    "automation": _l("Automation"),
    "chatbot": _l("Chatbot"),
    "classifier": _l("Classifier"),
    "coder": _l("Coder"),
    "cognitive": _l("Cognitive"),
    "conversational": _l("Conversational"),
    "custom": _l("Custom"),
    "customer_support": _l("Customer support"),
    "extractor": _l("Extractor"),
    "generative": _l("Generative"),
    "orchestrator": _l("Orchestrator"),
    "predictive": _l("Predictive"),
    "researcher": _l("Researcher"),
    "reviewer": _l("Reviewer"),
    "summarizer": _l("Summarizer"),
    "translator": _l("Translator"),
    "writer": _l("Writer"),
    # roles
    "super_admin": _l("Operator"),
    "tenant_admin": _l("Tenant admin"),
    "user": _l("User"),
    # statuses
    "active": _l("Active"),
    "inactive": _l("Inactive"),
    "error": _l("Error"),
    "maintenance": _l("Maintenance"),
    "running": _l("Running"),
    "success": _l("Success"),
    "timeout": _l("Timeout"),
    "cancelled": _l("Cancelled"),
    "interrupted": _l("Interrupted"),
    # sources
    "client": _l("Client"),
    "system": _l("System"),
    # actions
    "create": _l("Create"),
    "update": _l("Update"),
    "configure": _l("Configure"),
    "execute": _l("Run"),
    "test": _l("Test of a key"),
    "delete": _l("Delete"),
    "create_key": _l("Make an API key"),
    "revoke_key": _l("Revoke an API key"),
    "store_credential": _l("Store a key"),
    "delete_credential": _l("Remove a key"),
    "set_retention": _l("Change how long logs are kept"),
    "forget": _l("Erase a person or a tenant"),
    # capabilities
    "chat": _l("Chat"),
    "classification": _l("Classification"),
    "code_generation": _l("Code generation"),
    "code_review": _l("Code review"),
    "content_creation": _l("Content creation"),
    "data_analysis": _l("Data analysis"),
    "document_processing": _l("Document processing"),
    "extraction": _l("Extraction"),
    "function_calling": _l("Function calling"),
    "planning": _l("Planning"),
    "question_answering": _l("Question answering"),
    "reasoning": _l("Reasoning"),
    "research": _l("Research"),
    "structured_output": _l("Structured output"),
    "summarization": _l("Summarization"),
    "text_generation": _l("Text generation"),
    "tool_use": _l("Tool use"),
    "translation": _l("Translation"),
    "vision": _l("Vision"),
    "web_search": _l("Web search"),
}
"""Words of ours as people write them."""

PROVIDERS = {
    "anthropic": _l("Anthropic"),
    "azure": "Azure OpenAI",
    "deepseek": "DeepSeek",
    "google": "Google Gemini",
    "groq": _l("Groq"),
    "mistral": "Mistral",
    "offline": _l("Offline (no key, no network: for trying out)"),
    "ollama": _l("Ollama"),
    "openai": _l("OpenAI"),
    "openai_compatible": _l("Another server that speaks like OpenAI"),
    "openrouter": "OpenRouter",
    "xai": "xAI",
}

TEST_HINTS = {
    "authentication": _l("The provider refuses this key: check that it is whole and still valid."),
    "address_refused": _l("The operator would have to add this host to AIAGENTS_ALLOWED_HOSTS."),
    "connection": _l("Nobody answers at this address: check the URL."),
    "timeout": _l("The provider took too long: try again, or choose another model."),
    "rate_limited": _l("The key works, but the provider wants fewer requests just now."),
    "upstream": _l("The provider did not accept the request: check the model's name."),
}
"""What to do after a test that failed in this way."""


def spoken(value: str) -> str:
    """A word as people write it, in the reader's language; one of the host's only loses its underscores."""
    return str(WORDS[value]) if value in WORDS else value.replace("_", " ").capitalize()
