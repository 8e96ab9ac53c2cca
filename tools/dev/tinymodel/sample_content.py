"""What the demo's sample pages say. Each function draws one page; names and figures are invented."""

import documents

BLUE, TEAL, GREEN, RED = (31, 97, 160), (16, 118, 122), (40, 120, 70), (168, 46, 58)
PURPLE, ORANGE, BROWN, SLATE = (98, 66, 150), (196, 98, 16), (118, 78, 44), (60, 72, 88)


def business_review(sheet):
    s = sheet(800, 600, "sans", BLUE)
    y = s.title("Quarterly Business Review", "Northwind Trading, third quarter")
    s.bullets(["Revenue grew fourteen percent to 8.2 million dollars",
               "Two new warehouses opened in Hamburg and Rotterdam",
               "Customer complaints fell by a third after the new packaging",
               "Hiring is frozen until the budget is approved",
               "Next review on Tuesday, October 15"], y, 31)
    return s


def revenue_by_region(sheet):
    s = sheet(800, 600, "roboto", BLUE)
    s.heading("Revenue by Region", "million dollars, fiscal year 2024")
    s.bar_chart(["Europe", "Asia", "America", "Africa", "Oceania"], [4.1, 3.2, 2.6, 0.9, 0.6], (70, 170, 670, 350))
    return s


def market_share(sheet):
    s = sheet(800, 600, "carlito", PURPLE)
    s.heading("Market Share of Phone Makers", "units sold in the second quarter")
    s.pie_chart(["Aurora", "Bluebird", "Cobalt", "Delta", "Others"], [34, 26, 18, 12, 10], (240, 370), 185)
    return s


def website_visitors(sheet):
    s = sheet(800, 600, "lato", TEAL)
    s.heading("Website Visitors per Month", "thousands of visits")
    s.line_chart(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul"],
                 {"shop": [12, 14, 19, 18, 24, 29, 31], "blog": [8, 7, 9, 12, 11, 14, 13]}, (70, 170, 640, 350))
    return s


def income_statement(sheet):
    s = sheet(800, 600, "roboto", SLATE)
    y = s.heading("Income Statement")
    s.table([("Thousand euros", "2023", "2024"), ("Net sales", "5,480", "6,130"), ("Cost of goods", "3,010", "3,290"),
             ("Gross profit", "2,470", "2,840"), ("Salaries", "1,120", "1,205"), ("Rent and energy", "310", "355"),
             ("Depreciation", "140", "150"), ("Operating profit", "900", "1,130")], y, (380, 160, 160), 27)
    return s


def organization(sheet):
    s = sheet(800, 600, "sans", GREEN)
    s.heading("Organization Chart")
    people = [(290, 130, "Managing Director", "Helen Brandt", True), (40, 290, "Finance", "Omar Farouk", False),
              (290, 290, "Engineering", "Julia Novak", False), (540, 290, "Marketing", "Peter Lindqvist", False),
              (165, 450, "Laboratory", "Grace Okafor", False), (415, 450, "Workshop", "Tom Whitfield", False)]
    s.draw.line((400, 220, 400, 255), fill=s.accent, width=3)
    s.draw.line((150, 255, 650, 255), fill=s.accent, width=3)
    for x in (150, 400, 650):
        s.draw.line((x, 255, x, 290), fill=s.accent, width=3)
    s.draw.line((400, 380, 400, 415), fill=s.accent, width=3)
    s.draw.line((275, 415, 525, 415), fill=s.accent, width=3)
    for x in (275, 525):
        s.draw.line((x, 415, x, 450), fill=s.accent, width=3)
    for x, y, role, name, filled in people:
        s.box(x, y, 220, 90, [role, name], filled)
    return s


def invoice(sheet):
    s = sheet(680, 800, "roboto", SLATE)
    s.text(44, 40, "INVOICE", 52, bold=True, ink=s.accent)
    s.text(636, 48, "No. 10482", 28, align="right")
    s.text(636, 86, "April 3, 2024", 26, align="right")
    s.text(44, 150, "Bill to:", 24, bold=True)
    s.text(44, 182, "Maple Street Bakery", 26)
    s.text(44, 214, "17 Harbour Road, Bristol", 26)
    y = s.table([("Item", "Qty", "Price"), ("Wheat flour, 25 kg", "12", "216.00"), ("Cane sugar, 10 kg", "5", "74.50"),
                 ("Dried yeast, 500 g", "20", "58.00"), ("Baking paper", "8", "31.20")], 280, (340, 100, 150), 25)
    s.text(634, y + 10, "Subtotal 379.70", 26, align="right")
    s.text(634, y + 48, "Sales tax 28.48", 26, align="right")
    s.text(634, y + 90, "Amount due 408.18", 30, bold=True, align="right")
    s.text(44, 720, "Payment within thirty days. Thank you!", 25)
    return s


def pancakes(sheet):
    s = sheet(680, 800, "book", BROWN, paper=(255, 250, 240))
    y = s.heading("Apple Pancakes", "serves four people")
    y = s.text(44, y, "Ingredients", 32, bold=True, ink=BROWN) + 4
    y = s.bullets(["two cups of flour", "three eggs and a pinch of salt", "half a litre of milk", "two apples, sliced",
                   "butter and cinnamon"], y, 27)
    y = s.text(44, y + 10, "Method", 32, bold=True, ink=BROWN) + 4
    s.bullets(["Whisk flour, eggs and milk.", "Let the batter rest for twenty minutes.", "Fry with the apples until golden."],
              y, 27, numbered=True)
    return s


def lisbon(sheet):
    s = sheet(800, 600, "carlito", ORANGE)
    y = s.title("Three Days in Lisbon", "a short travel guide")
    s.bullets(["Day one: ride the yellow tram through Alfama up to the castle",
               "Day two: custard tarts in Belem, then the monastery and the tower",
               "Day three: train to Sintra, palace gardens and the ocean cliffs",
               "Airport to city by subway takes twenty five minutes"], y, 33)
    return s


def planets(sheet):
    s = sheet(800, 600, "sans", (70, 110, 190), paper=(14, 20, 38), ink=(232, 236, 244))
    s.text(44, 30, "Planets of the Solar System", 44, bold=True, ink=(250, 214, 120))
    x, y = 44, 115
    rows = [("Planet", "Diameter", "Moons"), ("Mercury", "4,879 km", "0"), ("Venus", "12,104 km", "0"), ("Earth", "12,756 km", "1"),
            ("Mars", "6,792 km", "2"), ("Jupiter", "142,984 km", "95"), ("Saturn", "120,536 km", "146"), ("Neptune", "49,528 km", "16")]
    for i, row in enumerate(rows):
        s.draw.line((x, y + 50, x + 700, y + 50), fill=(70, 84, 120), width=2)
        s.text(x + 10, y + 8, row[0], 28, bold=i == 0)
        s.text(x + 470, y + 8, row[1], 28, bold=i == 0, align="right")
        s.text(x + 680, y + 8, row[2], 28, bold=i == 0, align="right")
        y += 57
    return s


def router(sheet):
    s = sheet(800, 600, "roboto", SLATE)
    y = s.heading("Configuring the Wireless Router", "network manual, chapter four")
    y = s.bullets(["Connect your laptop to the yellow port with a cable.", "Open a browser and visit the address below.",
                   "Choose a strong password and press Save.", "Restart the router; the green light must blink."], y, 32, numbered=True)
    s.draw.rectangle((44, y + 12, 756, y + 92), fill=(236, 239, 242))
    s.text(66, y + 34, "http://192.168.1.1/setup", 28, family="mono")
    return s


def backup(sheet):
    s = sheet(800, 600, "sans", RED)
    y = s.title("Database Backup Policy")
    s.bullets(["A full copy of every server is made each Sunday night",
               "Changed files are copied every six hours",
               "Tapes are stored in a vault outside the building",
               "Restore is rehearsed twice a year by the operations team",
               "Encryption keys are never kept beside the data"], y, 32)
    return s


def fire(sheet):
    s = sheet(680, 800, "sans", RED)
    y = s.title("In Case of Fire")
    y = s.bullets(["Stay calm and press the nearest alarm button.", "Close doors and windows behind you.",
                   "Use the stairs. Never take the elevator.", "Help people who need assistance.",
                   "Meet at the assembly point in the parking lot."], y, 30, numbered=True)
    s.draw.rectangle((44, y + 30, 636, y + 130), fill=(36, 132, 72))
    s.text(340, y + 55, "EMERGENCY EXIT", 42, bold=True, ink=(255, 255, 255), align="centre")
    return s


def minutes(sheet):
    s = sheet(680, 800, "serif", SLATE)
    y = s.heading("Minutes of the Board Meeting", "Riverside Tennis Club, May 12")
    y = s.text(44, y, "Present: Mrs Alvarez (chair), Mr Dunn, Ms Ito and the treasurer, Mr Kowalski.", 27, right=640) + 14
    y = s.text(44, y, "The treasurer reported a surplus of 1,900 pounds. Members agreed to repair the roof of the clubhouse before winter.",
               27, right=640) + 14
    y = s.text(44, y, "Ms Ito proposed a summer tournament for juniors. The motion was carried unanimously.", 27, right=640) + 14
    s.text(44, y, "The meeting closed at nine o'clock. Next meeting: June 9.", 27, right=640)
    return s


def weather(sheet):
    s = sheet(800, 600, "lato", (40, 110, 170))
    y = s.heading("Weekly Weather Forecast")
    s.table([("Day", "Weather", "Wind", "Degrees"), ("Monday", "sunny", "light", "24"), ("Tuesday", "cloudy", "light", "21"),
             ("Wednesday", "thunderstorm", "strong", "18"), ("Thursday", "showers", "fresh", "17"), ("Friday", "foggy", "calm", "15"),
             ("Saturday", "sunny", "light", "22")], y, (210, 220, 140, 140), 28)
    return s


def coffee(sheet):
    s = sheet(680, 800, "book", BROWN)
    y = s.heading("Brewing Better Coffee")
    y = s.text(44, y, "Grind the beans just before brewing. A coarse grind suits the French press; espresso needs a fine one.",
               29, right=640) + 20
    y = s.text(44, y, "Use sixty grams of coffee for a litre of water, not quite boiling.", 29, right=640) + 20
    y = s.text(44, y, "Bitter taste means that the water was too hot or the contact too long. Sour taste means the opposite.",
               29, right=640) + 20
    s.text(44, y, "Rinse the paper filter first.", 29, right=640)
    return s


def tomatoes(sheet):
    s = sheet(800, 600, "carlito", GREEN)
    y = s.title("Growing Tomatoes", "a calendar for the vegetable garden")
    s.bullets(["March: sow seeds indoors on a warm windowsill", "May: plant outside after the last frost",
               "June: tie the stems to bamboo poles and remove side shoots", "July: water at the roots, never on the leaves",
               "August: harvest when the fruit is deep red"], y, 33)
    return s


def bicycle(sheet):
    s = sheet(680, 800, "sans", ORANGE)
    y = s.heading("Bicycle Inspection Checklist")
    for item in ["Tyres: pressure and tread", "Brakes: pads and cables", "Chain: clean and oiled", "Gears shift smoothly",
                 "Lights and reflectors", "Handlebar and saddle tight", "Wheels spin straight", "Bell works"]:
        s.draw.rectangle((50, y + 4, 80, y + 34), outline=s.ink, width=3)
        y = s.text(104, y, item, 29) + 22
    s.text(44, y + 10, "Signature of mechanic:", 26, bold=True)
    s.draw.line((360, y + 42, 636, y + 42), fill=s.ink, width=2)
    return s


def membership(sheet):
    s = sheet(680, 800, "roboto", TEAL)
    y = s.title("Library Membership")
    y = s.field(44, y, "Surname", 590)
    y = s.field(44, y, "First name", 590)
    s.field(44, y, "Date of birth", 280)
    y = s.field(354, y, "Telephone", 280)
    y = s.field(44, y, "Postal address", 590)
    y = s.text(44, y + 6, "I agree to return borrowed books on time and to pay a fine for lost or damaged items.", 25, right=640)
    s.field(44, y + 16, "Signature of applicant", 590)
    return s


def bridges(sheet):
    s = sheet(680, 800, "serif", BROWN, paper=(253, 250, 243))
    y = s.heading("A Short History of Bridges")
    y = s.text(44, y, "The Romans built stone arches that still carry traffic after two thousand years.", 29, right=640) + 18
    y = s.text(44, y, "Iron replaced stone in the eighteenth century, and steel cables made suspension bridges possible.", 29, right=640) + 18
    y = s.text(44, y, "Modern engineers use concrete under tension. The longest spans now exceed two kilometres.", 29, right=640) + 18
    s.text(44, y, "Wind, not weight, is the greatest danger to a long bridge.", 29, right=640)
    return s


def bees(sheet):
    s = sheet(800, 600, "lato", (150, 110, 10))
    y = s.title("Honey Bees and Pollination")
    s.bullets(["A colony holds one queen and fifty thousand workers", "Scouts dance to show where flowers bloom",
               "Bees pollinate apples, almonds and pumpkins", "Pesticides and mites threaten the hives",
               "Plant lavender and clover to help them"], y, 34)
    return s


def energy(sheet):
    s = sheet(800, 600, "carlito", GREEN)
    s.heading("Electricity Consumption", "kilowatt hours per household and month")
    s.bar_chart(["Heating", "Kitchen", "Laundry", "Lighting", "Computer"], [210, 85, 60, 35, 50], (70, 170, 670, 350))
    return s


def timeline(sheet):
    s = sheet(800, 600, "roboto", PURPLE)
    y = s.heading("Project Timeline", "new harbour terminal")
    for i, month in enumerate(["April", "May", "June", "July", "August"]):
        s.text(300 + i * 96, y, month, 23)
        s.draw.line((290 + i * 96, y + 40, 290 + i * 96, 570), fill=(222, 226, 230), width=2)
    y += 56
    for name, start, length in [("Survey", 0, 1.0), ("Design", 0.7, 1.6), ("Permits", 1.5, 1.4), ("Construction", 2.3, 2.0),
                                ("Inspection", 4.1, 0.8)]:
        s.text(44, y, name, 28)
        s.draw.rounded_rectangle((292 + start * 96, y - 2, 292 + (start + length) * 96, y + 38), 8, fill=s.accent)
        y += 76
    return s


def volcano(sheet):
    s = sheet(800, 600, "sans", RED)
    y = s.title("How Volcanoes Erupt")
    s.bullets(["Magma is lighter than rock and rises through cracks", "Dissolved gas forms bubbles as pressure drops",
               "Thick lava explodes, thin lava flows gently", "Ash clouds can stop aircraft for days",
               "Sensors measure tremors before an eruption"], y, 33)
    return s


def trains(sheet):
    s = sheet(800, 600, "mono", SLATE)
    y = s.heading("Train Timetable")
    s.table([("Station", "Arrives", "Departs"), ("Dublin", "-", "08:05"), ("Newbridge", "08:41", "08:43"), ("Kildare", "08:52", "08:54"),
             ("Portlaoise", "09:15", "09:18"), ("Thurles", "09:50", "09:52"), ("Limerick", "10:46", "-")], y, (340, 180, 180), 27)
    return s


def menu(sheet):
    s = sheet(680, 800, "book", (120, 30, 50), paper=(252, 247, 240))
    s.text(340, 40, "Dinner Menu", 50, bold=True, ink=s.accent, align="centre")
    y = 130
    for course, dishes in [("Starters", [("Onion soup", "6.50"), ("Smoked salmon", "9.80")]),
                           ("Main courses", [("Roast lamb with rosemary", "18.40"), ("Mushroom risotto", "14.20"), ("Grilled trout", "16.90")]),
                           ("Desserts", [("Lemon sorbet", "5.20"), ("Chocolate cake", "6.00")])]:
        y = s.text(340, y, course, 34, bold=True, ink=s.accent, align="centre") + 6
        for dish, price in dishes:
            s.text(60, y, dish, 28)
            y = s.text(620, y, price, 28, align="right") + 8
        y += 14
    return s


def burns(sheet):
    s = sheet(800, 600, "carlito", (0, 120, 90))
    y = s.title("First Aid for Burns")
    s.bullets(["Cool the burn under running water for ten minutes", "Remove rings and watches before swelling starts",
               "Cover loosely with a sterile bandage", "Do not apply butter, ice or toothpaste",
               "Call a doctor when blisters are large"], y, 33, numbered=True)
    return s


def chess(sheet):
    s = sheet(680, 800, "serif", SLATE)
    y = s.heading("Opening Principles in Chess")
    s.bullets(["Control the centre with pawns", "Develop knights before bishops", "Castle early to protect the king",
               "Do not move the queen too soon", "Connect the rooks on the back rank", "A pawn move cannot be taken back"], y, 31)
    return s


def household_budget(sheet):
    s = sheet(800, 600, "lato", TEAL)
    s.heading("Household Budget", "where the money goes")
    s.pie_chart(["Rent", "Food", "Transport", "Insurance", "Savings"], [38, 24, 14, 9, 15], (240, 370), 185)
    return s


def whales(sheet):
    s = sheet(800, 600, "sans", (20, 90, 140))
    y = s.title("Whales of the Atlantic")
    s.bullets(["Humpback whales sing for hours to attract a mate", "Sperm whales dive deeper than a thousand metres for squid",
               "Killer whales hunt in families led by grandmothers", "Blue whales are the largest animals that ever lived"], y, 34)
    return s


def sleep(sheet):
    s = sheet(800, 600, "roboto", PURPLE)
    s.heading("Hours of Sleep by Age", "average per night")
    s.line_chart(["Baby", "Child", "Teenager", "Adult", "Senior"], {"hours": [15, 11, 9, 7.5, 7]}, (70, 170, 640, 350))
    return s


PAGES = [(f"{function.__name__.replace('_', '-')}.png", title, function) for title, function in (
    ("Quarterly Business Review", business_review), ("Revenue by Region", revenue_by_region), ("Market Share of Phone Makers", market_share),
    ("Website Visitors per Month", website_visitors), ("Income Statement", income_statement), ("Organization Chart", organization),
    ("Invoice No. 10482", invoice), ("Apple Pancakes", pancakes), ("Three Days in Lisbon", lisbon), ("Planets of the Solar System", planets),
    ("Configuring the Wireless Router", router), ("Database Backup Policy", backup), ("In Case of Fire", fire),
    ("Minutes of the Board Meeting", minutes), ("Weekly Weather Forecast", weather), ("Brewing Better Coffee", coffee),
    ("Growing Tomatoes", tomatoes), ("Bicycle Inspection Checklist", bicycle), ("Library Membership", membership),
    ("A Short History of Bridges", bridges), ("Honey Bees and Pollination", bees), ("Electricity Consumption", energy),
    ("Project Timeline", timeline), ("How Volcanoes Erupt", volcano), ("Train Timetable", trains), ("Dinner Menu", menu),
    ("First Aid for Burns", burns), ("Opening Principles in Chess", chess), ("Household Budget", household_budget),
    ("Whales of the Atlantic", whales), ("Hours of Sleep by Age", sleep))]

# Other documents, or other chapters, than the frozen evaluation set has.
TOMCRYPT = documents.Source("LibTomCrypt developer manual", "libtomcrypt-dev", (documents.DOC + "libtomcrypt-dev/crypt.pdf.gz",), "public domain")
SQLITE = documents.Source("SQLite documentation", "sqlite3-doc", tuple(
    documents.DOC + f"sqlite3/{n}.html" for n in ("fts5", "tempfiles", "rtree")), "public domain", "Caladea")
POSTGRES = documents.Source("PostgreSQL documentation", "postgresql-doc-15", tuple(
    documents.DOC + f"postgresql-doc-15/html/{n}.html" for n in ("tutorial-join", "high-availability", "charset")), "PostgreSQL", "Lato")

# (source, which of its files, page, left and top in points, title)
CROPS = [
    (TOMCRYPT, 0, 28, 72, 66, "Notes on the AES ciphers"), (TOMCRYPT, 0, 163, 58, 214, "Endianness"),
    (TOMCRYPT, 0, 175, 58, 178, "Internal ID and key lengths"), (TOMCRYPT, 0, 111, 72, 463, "Remarks on usage of shared keys"),
    (SQLITE, 1, 6, 58, 78, "Transient indices"), (SQLITE, 0, 11, 72, 500, "External content tables"),
    (SQLITE, 2, 6, 72, 74, "Auxiliary columns"), (SQLITE, 1, 7, 72, 178, "Where temporary files are stored"),
    (POSTGRES, 0, 1, 66, 63, "Joins between tables"), (POSTGRES, 1, 1, 72, 485, "Synchronizing database servers"),
    (POSTGRES, 2, 1, 58, 236, "Character set support"),
]

QUESTIONS = [
    {"query": "quarterly business review", "expect": ["business-review.png"]},
    {"query": "bar chart", "expect": ["revenue-by-region.png", "energy.png"]},
    {"query": "pie chart", "expect": ["market-share.png", "household-budget.png"]},
    {"query": "apple pancakes batter", "expect": ["pancakes.png"]},
    {"query": "wireless router password", "expect": ["router.png"]},
    {"query": "planets and moons", "expect": ["planets.png"]},
    {"query": "emergency exit", "expect": ["fire.png"]},
    {"query": "operating profit", "expect": ["income-statement.png"]},
    {"query": "humpback whales", "expect": ["whales.png"]},
    {"query": "thunderstorm on Wednesday", "expect": ["weather.png"]},
    {"query": "invoice for flour and sugar", "expect": ["invoice.png"]},
    {"query": "castle and tram in Lisbon", "expect": ["lisbon.png"]},
    {"query": "line chart", "expect": ["website-visitors.png", "sleep.png"]},
    {"query": "joins between tables", "expect": ["document-09.png"]},
    {"query": "key lengths", "expect": ["document-03.png"]},
]
