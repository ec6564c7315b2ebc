"""Words that the sample company is made of."""

# ruff: noqa: E501, SIM905 - word lists

from __future__ import annotations

FIRST_NAMES = """Amara Andrei Anika Beatriz Benjamin Camille Carlos Chidi Clara Daniel Dmitri Elena Emeka Emma Farah Felix Freya
Gabriel Grace Hana Hannah Hugo Ibrahim Imani Ingrid Isaac Ivy Jack Jasmine Javier Jonas Julia Kai Karim Katya Kenji Lars Laura
Leila Leo Lin Lucia Magnus Maria Marcus Mateo Maya Mei Mila Mohamed Nadia Naomi Nathan Nina Noah Olivia Omar Oscar Paula Peter
Priya Rachel Rafael Rahul Rosa Ruth Samuel Sana Sara Sofia Stefan Sven Tara Thandi Theo Tomas Uma Valentina Victor Wei Yara
Yusuf Zara Zoe""".split()
LAST_NAMES = """Abara Adeyemi Ahmed Alvarez Andersen Baker Banerjee Bauer Bell Bergstrom Brooks Castillo Chen Costa Cruz Dasgupta
Diaz Dubois Edwards Eriksson Fernandez Fischer Flores Foster Garcia Goldberg Gomez Green Gupta Haddad Hansen Harris Hayashi
Hughes Ibrahim Ivanov Jansen Johnson Kaya Keller Khan Kim Kowalski Larsen Lee Lopez Marino Martin Mbeki Meyer Miller Moreau
Morris Murphy Nakamura Nguyen Novak Okafor Olsen Ortiz Park Patel Pereira Petrov Quinn Ramirez Reed Rossi Russo Sanchez Santos
Sato Schmidt Silva Singh Smith Suzuki Tanaka Taylor Torres Turner Varga Vasquez Walker Weber White Wilson Wong Yamamoto
Young Zhang Ziegler""".split()
STREETS = "Maple Oak Cedar Willow Lake Hill River Mill Church Park Station Spruce Birch Meadow Harbor Summit Prospect Juniper Chestnut Canyon".split()
STREET_KINDS = ("Street", "Avenue", "Road", "Lane", "Drive", "Court")
# City, state, start of the postal code, telephone area code.
CITIES = (
    ("Portland", "OR", "972", "503"), ("Seattle", "WA", "981", "206"), ("Denver", "CO", "802", "303"),
    ("Austin", "TX", "787", "512"), ("Boise", "ID", "837", "208"), ("Madison", "WI", "537", "608"),
    ("Burlington", "VT", "054", "802"), ("Asheville", "NC", "288", "828"), ("Flagstaff", "AZ", "860", "928"),
    ("Duluth", "MN", "558", "218"), ("Missoula", "MT", "598", "406"), ("Sacramento", "CA", "958", "916"),
    ("Albany", "NY", "122", "518"), ("Richmond", "VA", "232", "804"), ("Columbus", "OH", "432", "614"),
    ("Omaha", "NE", "681", "402"), ("Tulsa", "OK", "741", "918"), ("Concord", "NH", "033", "603"),
    ("Santa Fe", "NM", "875", "505"), ("Anchorage", "AK", "995", "907"),
)  # fmt: skip
DEPARTMENTS = (
    "Engineering", "Customer Support", "Sales", "Marketing", "Finance", "People", "Logistics", "Purchasing", "Legal", "Retail",
)  # fmt: skip
JOB_TITLES = ("Associate", "Specialist", "Senior Specialist", "Lead", "Manager")
# Category, what is sold, lowest and highest price.
GOODS = (
    ("Tents", ("Tent", "Tarp", "Bivy"), 79, 620), ("Packs", ("Daypack", "Backpack", "Duffel"), 39, 340),
    ("Sleep", ("Sleeping Bag", "Sleeping Pad", "Camp Pillow"), 19, 480), ("Footwear", ("Trail Shoe", "Hiking Boot", "Gaiter"), 35, 290),
    ("Kitchen", ("Stove", "Cook Set", "Water Filter"), 18, 190), ("Apparel", ("Rain Jacket", "Fleece", "Base Layer"), 29, 360),
    ("Climbing", ("Harness", "Rope", "Helmet"), 45, 310), ("Light", ("Headlamp", "Lantern"), 15, 130),
)  # fmt: skip
GOOD_NAMES = "Alder Basin Cirrus Drift Ember Fjord Granite Heron Inlet Juno Krill Larch Moraine Nimbus Osprey Pika Quartz Ridge Scree Talus".split()
USER_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
)
# Subject and body; what customers write holds more about them than any form asks for.
TICKETS = (
    ("Where is my order?", "Hi, order #{order} has not arrived. Please call me on {phone}. Thanks, {name}"),
    ("Change of address", "I moved. The new address is {street}, {city}. My account is under {email}. {name}"),
    ("Refund to another card", "Please refund order #{order} to {card} instead, the old card was stolen. {name}"),
    ("Wrong size", "The boots are too small. Could you send a larger pair? My number is {phone}."),
    ("Cannot sign in", "The reset mail never reaches {email}. Is it a typo in my account? Best, {name}"),
    ("Zipper broke", "The zipper broke on the second trip. Order #{order}. What does the warranty say?"),
    ("Tax-free purchase", "For the invoice you asked for my id: {national_id}. Name as on the passport, {name}."),
    ("Thank you", "Great service from your team in the shop. I will be back."),
)
