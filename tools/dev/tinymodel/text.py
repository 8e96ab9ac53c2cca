"""Prepares the text that the demo model is trained on and tested on.

    python text.py WORK

writes into WORK/text:

    train.txt          lines of training text
    test.txt           lines that no training page ever shows
    words-train.txt    single words for training pages
    words-held-out.txt words that occur nowhere in the training text

Sources, all of which allow redistribution of what is learnt from them:

  * glosses and example sentences of WordNet 3.0 (WordNet licence, BSD-like);
  * the American word list of SCOWL (Debian package wamerican, permissive);
  * phrases that this script makes itself: business words, amounts, dates,
    percentages, identifiers. WordNet has next to none of these, and slides and
    invoices are full of them.

Held out are 4 % of the word types, chosen by a checksum of the word so that
every text source agrees on them, and 5 % of the WordNet lines. A query of
held-out words shows whether the model reads letters or only recalls words. (Inside
hyphenated compounds such a word may still have been met.)
"""

import collections
import pathlib
import random
import re
import sys
import zlib

WORDNET = pathlib.Path("/usr/share/wordnet")
WORD_LIST = pathlib.Path("/usr/share/dict/american-english")
SEED = 1
GENERATED_LINES = 45_000

WORD = re.compile(r"[A-Za-z][A-Za-z'\-]*[A-Za-z]|[A-Za-z]")


def is_held_out(word):
    """Whether this word type belongs to the 4 % that training never sees."""
    word = word.lower()
    return len(word) >= 4 and word.isalpha() and zlib.crc32(word.encode()) % 25 == 0


def without_held_out_words(line):
    kept = [w for w in line.split() if not any(is_held_out(x) for x in WORD.findall(w))]
    return " ".join(kept)


def wordnet_lines():
    """Definitions and example sentences, one a line."""
    for file in sorted(WORDNET.glob("data.*")):
        for record in file.read_text("ascii", errors="ignore").splitlines():
            if record.startswith("  ") or "|" not in record:  # licence header
                continue
            for part in record.split("|", 1)[1].split(";"):
                part = part.strip(' "')
                if 12 < len(part) < 200:
                    yield part


# Vocabulary of the generated phrases. Words of general business, technology and
# daily life, listed by hand; they are combined at random, so no phrase matters.
ADJECTIVES = """quarterly annual monthly weekly daily total net gross average estimated projected actual
previous current next final draft internal external regional global local national public private
digital mobile online new open active pending approved overdue paid shipped delivered available
minimum maximum primary secondary strategic operational financial technical""".split()
NOUNS = """revenue profit margin cost budget forecast sales growth income expenses cash flow balance assets
liabilities equity tax invoice order payment customer client supplier vendor partner product service
project team department office region market segment channel campaign price discount quantity subtotal
shipping delivery warehouse inventory stock contract agreement policy report summary overview agenda
roadmap milestone timeline schedule deadline status risk issue action owner result target goal strategy
network server client database cluster backup storage memory processor latency throughput bandwidth
gateway router switch firewall protocol packet address port interface driver kernel module package
version release update upgrade installation configuration parameter setting option default user account
password token session request response header message queue cache index query table column schema
chart figure diagram map legend axis training employee headcount salary hiring survey feedback score
rating review quality safety energy power water temperature pressure weight height distance speed
volume rate ratio percent change difference increase decrease share unit item page chapter section
appendix reference note manual guide recipe ingredient flour sugar butter oven minutes travel flight
hotel ticket passport luggage station airport museum planet star orbit telescope galaxy moon patient
doctor treatment dose trial research study sample method analysis conclusion evidence hypothesis""".split()
PLACES = """Europe Asia Africa America North South East West London Paris Berlin Madrid Tokyo Boston
Chicago Sydney Toronto Dublin Vienna Lisbon Oslo Zurich Milan Denver Austin Seattle""".split()
MONTHS = """January February March April May June July August September October November December""".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
UNITS = "kg g mm cm km m ml GB MB kB TB ms s min h W kW MHz GHz USD EUR GBP points units pages".split()
EXTENSIONS = "txt csv json yaml xml html pdf png py go c h conf log sql md".split()


class PhraseMaker:
    """Makes short phrases of the kinds that slides, forms and manuals carry."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def number(self):
        r = self.random
        kind = r.randrange(6)
        if kind == 0:
            return str(r.randint(0, 99))
        if kind == 1:
            return f"{r.randint(1, 999)},{r.randint(0, 999):03d}"
        if kind == 2:
            return f"{r.randint(0, 99)}.{r.randint(0, 99)}"
        if kind == 3:
            return f"{r.choice(['$', '$', 'EUR ', 'GBP '])}{r.randint(1, 9999)}{r.choice(['', '.00', '.50', 'M', 'k'])}"
        if kind == 4:
            return f"{r.choice(['', '+', '-'])}{r.randint(0, 100)}{r.choice(['', '.5', '.' + str(r.randint(1, 9))])}%"
        return str(r.randint(100, 99999))

    def date(self):
        r = self.random
        year, month, day = r.randint(1950, 2035), r.randint(1, 12), r.randint(1, 28)
        return r.choice([
            f"{year}-{month:02d}-{day:02d}", f"{day} {MONTHS[month - 1]} {year}", f"{MONTHS[month - 1]} {day}, {year}",
            f"{MONTHS[month - 1][:3]} {day}", f"{day:02d}/{month:02d}/{year}", f"{MONTHS[month - 1]} {year}",
            f"Q{r.randint(1, 4)} {year}", f"{r.choice(DAYS)}, {MONTHS[month - 1]} {day}", f"{r.randint(0, 23)}:{r.randint(0, 59):02d}",
            f"FY{year}", str(year),
        ])

    def identifier(self):
        r = self.random
        a, b, c = (r.choice(NOUNS) for _ in range(3))
        return r.choice([
            f"{a}_{b}", f"{a}_{b}_{c}", f"{a}-{b}", f"{a}.{b}", f"{a}.{r.choice(EXTENSIONS)}", f"--{a}-{b}", f"{a}{b.title()}",
            f"{a.upper()}_{b.upper()}", f"/{a}/{b}", f"{a}()", f"{a}[{r.randint(0, 9)}]", f"v{r.randint(0, 9)}.{r.randint(0, 20)}.{r.randint(0, 9)}",
            f"{a}@{b}.com", f"www.{a}{b}.org", f"#{r.randint(1, 9999)}", f"{a[:2].upper()}-{r.randint(100, 9999)}",
            f"{a.title()}{b.title()}", f"{a} = {r.randint(0, 99)}",
        ])

    def words(self):
        r = self.random
        adjective, noun, other = r.choice(ADJECTIVES), r.choice(NOUNS), r.choice(NOUNS)
        return r.choice([
            f"{adjective} {noun}", f"{noun} {other}", f"{adjective} {noun} {other}", f"{noun} by {other}", f"{noun} and {other}",
            f"{noun} per {other}", f"{adjective} {noun} in {r.choice(PLACES)}", f"{noun} for {r.choice(PLACES)}",
        ])

    def line(self):
        r = self.random
        kind = r.randrange(8)
        if kind == 0:
            return f"{self.words()} {self.date()}"
        if kind == 1:
            return f"{self.words()}: {self.number()}"
        if kind == 2:
            return f"{self.words()} {self.number()} {r.choice(UNITS)}"
        if kind == 3:
            return f"{self.identifier()} {self.words()}"
        if kind == 4:
            return " ".join(self.number() for _ in range(r.randint(2, 6)))
        if kind == 5:
            return f"{self.words()}, {self.words()} and {self.words()}"
        if kind == 6:
            return f"{self.date()} {self.words()} {self.number()}"
        return f"{self.words()} {self.identifier()} {self.number()}"


def split_lines():
    """Returns (training lines, test lines)."""
    train, test = [], []
    for line in dict.fromkeys(wordnet_lines()):
        if zlib.crc32(line.encode()) % 20 == 0:
            test.append(line)
        else:
            train.append(without_held_out_words(line))
    maker = PhraseMaker(SEED)
    train += [without_held_out_words(maker.line()) for _ in range(GENERATED_LINES)]
    # A different seed combines the same vocabulary into lines that training does not hold.
    test += [PhraseMaker(SEED + 1 + i).line() for i in range(len(test) // 8)]
    seen = set(train)
    test = [line for line in test if line not in seen]
    train = [line for line in train if len(line.split()) >= 2]
    random.Random(SEED).shuffle(train)
    random.Random(SEED).shuffle(test)
    return train, test


def word_lists(train, test):
    """Returns (training words, held-out words): those of the text, then those of the word list."""
    listed = [w for w in WORD_LIST.read_text().split() if w.isascii() and "'" not in w]
    counts = collections.Counter(w for line in train for w in WORD.findall(line))
    words = [w for w, n in counts.items() if n >= 2 and len(w) >= 2]
    words += [w for w in listed if w not in counts and not is_held_out(w)]
    held_out = {w for line in test for w in WORD.findall(line) if is_held_out(w)}
    held_out |= {w for w in listed if is_held_out(w)}
    return words, sorted(held_out)


def main():
    folder = pathlib.Path(sys.argv[1]) / "text"
    folder.mkdir(parents=True, exist_ok=True)
    train, test = split_lines()
    words, held_out = word_lists(train, test)
    for name, lines in (("train", train), ("test", test), ("words-train", words), ("words-held-out", held_out)):
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
        print(f"{name}: {len(lines)} lines")


if __name__ == "__main__":
    main()
