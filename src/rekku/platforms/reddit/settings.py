"""The settings of Rekku's account on Reddit."""

from rekku.core.settings import Setting

ACCOUNT = (
    Setting("REDDIT_CLIENT_ID", "The id of your Reddit app (type “script”).", required=True),
    Setting("REDDIT_CLIENT_SECRET", "The secret of your Reddit app.", required=True, secret=True),
    Setting("REDDIT_USERNAME", "The Reddit account that Rekku writes with.", required=True),
    Setting("REDDIT_PASSWORD", "The password of that account.", required=True, secret=True),
    Setting("REDDIT_USER_AGENT", "How Rekku introduces itself to Reddit, as “rekku by u/your_name”.", required=True),
    Setting("REDDIT_URL", "Another server that speaks Reddit's protocol; left out: Reddit itself."),
)
