"""What was said long ago is found in each language, asked for in other words and other forms of the same words."""

from collections.abc import Mapping, Sequence

import pytest

from rekku.core.audience import Audience
from rekku.core.message import Conversation
from rekku.plugins import ai_diary
from rekku.plugins._ai_diary.recall import recall
from rekku.plugins.ai_diary import DiaryPlugin
from rekku.testing import Bot
from tests.plugins.test_ai_diary import diary

__all__ = ["diary"]

ANN = Audience(Conversation("memory", "ann"), direct=True, person_id="ann")
Said = Sequence[tuple[str, str]]

ENGLISH = (
    ("My sister Clara is getting married in Lisbon next spring.", "Where does Clara's marriage take place?"),
    ("I am allergic to walnuts, they make my throat swell.", "What allergies do I have?"),
    ("The landlord finally repaired the heating on Tuesday.", "Who did the repairs of the heater?"),
    ("I started painting with watercolours at the community centre.", "Which kind of paints do I use?"),
    ("Our dog Biscuit ran away during the fireworks.", "When did the dog run off?"),
    ("I failed my driving test because of the roundabout.", "Why did I fail when I drove?"),
    ("For my birthday I want a telescope, nothing else.", "What present would please me on my birthdays?"),
    ("I work night shifts at the bakery on Mill Street.", "At which bakeries have I been working?"),
)
ITALIAN = (
    ("Mia sorella Chiara si sposa a Lisbona in primavera.", "Dove si sposano Chiara e Marco?"),
    ("Sono allergico alle noci, mi si gonfia la gola.", "Quali allergie ho? Una noce mi fa male?"),
    ("Il padrone di casa ha riparato il riscaldamento martedì.", "Chi ha fatto la riparazione?"),
    ("Ho cominciato a dipingere con gli acquerelli.", "Che cosa ho dipinto, un acquerello?"),
    ("Il nostro cane Biscotto è scappato durante i fuochi d'artificio.", "Perché scappano i cani?"),
    ("Sono stato bocciato all'esame di guida per colpa della rotonda.", "Come sono andati gli esami di guida?"),
    ("Per il mio compleanno vorrei un telescopio.", "Che regalo volevo ai compleanni?"),
    ("Faccio i turni di notte nel panificio di via Mulino.", "In quali panifici lavoro di notte?"),
)
GERMAN = (
    ("Meine Schwester Klara heiratet im Frühling in Lissabon.", "Wo will Klara heiraten?"),
    ("Gegen Walnüsse bin ich allergisch, mein Hals schwillt an.", "Welche Allergie habe ich?"),
    ("Der Vermieter hat am Dienstag die Heizung repariert.", "Wer hat die Reparatur der Heizungen gemacht?"),
    ("Ich habe angefangen, mit Aquarellfarben zu malen.", "Was für Aquarelle habe ich gemalt?"),
    ("Unser Hund Keks ist beim Feuerwerk weggelaufen.", "Warum lief der Hund weg, war es ein Feuerwerk?"),
    ("Durch die Fahrprüfung bin ich wegen des Kreisverkehrs gefallen.", "Woran lag es bei den Fahrprüfungen?"),
    ("Zum Geburtstag wünsche ich mir ein Teleskop.", "Welches Geburtstagsgeschenk wünschte ich mir?"),
    ("Ich arbeite nachts in der Bäckerei in der Mühlgasse.", "In welchen Bäckereien arbeite ich?"),
)
CHINESE = (
    ("我姐姐克拉拉明年春天在里斯本结婚。", "克拉拉在哪里结婚？"),
    ("我对核桃过敏，喉咙会肿。", "我对什么过敏？"),
    ("房东星期二终于把暖气修好了。", "暖气是谁修的？"),
    ("我开始在社区中心学画水彩画。", "我画什么画？水彩吗？"),
    ("我们的狗饼干在放烟花的时候跑掉了。", "狗是什么时候跑掉的？"),
    ("我驾照考试没通过，因为环岛。", "驾照考试为什么没过？"),
    ("生日我只想要一台望远镜。", "我生日想要什么礼物？"),
    ("我在磨坊街的面包店上夜班。", "我在哪家面包店上班？"),
)
JAPANESE = (
    ("姉のクララは来年の春、リスボンで結婚します。", "クララはどこで結婚する？"),
    ("クルミのアレルギーがあって、喉が腫れます。", "何のアレルギーだっけ？"),
    ("大家さんが火曜日にやっと暖房を直してくれた。", "暖房を直したのは誰？"),
    ("公民館で水彩画を描きはじめました。", "どんな絵を描いている？水彩？"),
    ("うちの犬のビスケットが花火のときに逃げた。", "犬はいつ逃げたの？"),
    ("運転免許の試験に落ちたのは環状交差点のせいだ。", "免許の試験はどうして落ちた？"),
    ("誕生日には望遠鏡だけがほしい。", "誕生日に何がほしいと言った？"),
    ("水車通りのパン屋で夜勤をしています。", "どこのパン屋で働いている？"),
)
EVERYDAY: Mapping[str, Sequence[str]] = {
    "English": ("It rained again on the way home.", "What shall I cook tonight?", "The train was late, why?"),
    "Italian": ("Ha piovuto di nuovo tornando a casa.", "Che cosa cucino stasera?", "Il treno era in ritardo."),
    "German": ("Auf dem Heimweg hat es wieder geregnet.", "Was koche ich heute Abend?", "Der Zug war zu spät."),
    "Chinese": ("回家的路上又下雨了。", "今晚我做什么菜呢？", "火车又晚点了。"),
    "Japanese": ("帰り道でまた雨が降った。", "今夜は何を作ろうかな。", "電車がまた遅れた。"),
}
LANGUAGES: Mapping[str, Said] = {
    "English": ENGLISH,
    "Italian": ITALIAN,
    "German": GERMAN,
    "Chinese": CHINESE,
    "Japanese": JAPANESE,
}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_language_is_found_alike(bot: Bot, diary: DiaryPlugin, language: str) -> None:
    said = LANGUAGES[language]
    for number, (fact, _) in enumerate(said):
        await ai_diary.add_diary_entry("", user_message=fact, present=["ann"])
        everyday = EVERYDAY[language][number % len(EVERYDAY[language])]
        await ai_diary.add_diary_entry("", user_message=f"{everyday} ({number})", present=["ann"])

    missed = []
    for fact, question in said:
        found = await recall(bot.running.database, ANN, question, bot.clock.now(), most=3)
        if fact not in [entry.user_message for entry in found.relevant]:
            missed.append(question)
    assert missed == []
