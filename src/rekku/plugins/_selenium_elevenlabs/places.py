"""What ElevenLabs' page looks like: where things are, as XPath, the surest first. If the page changes, change this."""

from collections.abc import Mapping, Sequence

SPEECH_PAGE = "/app/speech-synthesis/text-to-speech"
"""Shows a form to log in to who is not logged in."""

EMAIL = "the field for the e-mail address"
PASSWORD = "the field for the password"
LOG_IN = "the button that logs in"
EDITOR = "the field for the text"
GENERATE = "the button Generate"
LOADING = "the sign Loading"
DOWNLOAD = "the button Download"
CREDITS = "the credits"
COMPLAINT = "a complaint"

PLACES: Mapping[str, Sequence[str]] = {
    EMAIL: ("//input[@data-testid='sign-in-email-input']", "//input[@type='email' or @name='email']"),
    PASSWORD: ("//input[@data-testid='sign-in-password-input']", "//input[@type='password']"),
    LOG_IN: (
        "//button[@data-testid='sign-in-submit-button']",
        "//form[.//input[@type='password']]//button[@type='submit' or not(@type)]",
    ),
    EDITOR: (
        "//textarea[@data-testid='tts-editor']",
        "//*[@data-testid='tts-editor']/descendant-or-self::*[@contenteditable='true']",
        "//main//textarea",
        "//textarea",
    ),
    GENERATE: (
        "//button[@data-testid='tts-generate']",
        "//button[starts-with(normalize-space(), 'Generate')]",
        "//button[starts-with(@aria-label, 'Generate')]",
    ),
    LOADING: (
        "//*[@data-testid='tts-loading']",
        "//button[starts-with(normalize-space(), 'Loading') or @data-loading='true' or @aria-busy='true']",
    ),
    DOWNLOAD: (
        "//button[@data-testid='audio-player-download-button']",
        "//button[starts-with(@aria-label, 'Download')]",
        "//button[starts-with(normalize-space(), 'Download')]",
    ),
    CREDITS: (
        "//*[@data-testid='tts-credits']",
        "//*[contains(text(), 'credits') and (contains(., 'remaining') or contains(., 'left'))]",
    ),
    COMPLAINT: (
        "//*[@role='alert' and @data-testid and normalize-space()]",
        "//*[@role='alert' and not(contains(@id, 'route-announcer')) and normalize-space()]",
    ),
}
