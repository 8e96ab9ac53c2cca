package main

// tiles is every tile that is made. 24 lanes x 4 rows keep 24 of the 32 vector
// registers busy with sums, 4 with the document's numbers and 4 with the query's.
// Four multipliers with a latency of 4, which the widest cores have, need 16 sums
// under way: 16 x 4 would be just that. 16 x 5 is more, and 5 divides both a
// passage of 100 rows and a page of 1030. 20 lanes are a question of 20 tokens.
var tiles = []tile{
	{kind: f32, isa: "NEON", lanes: 24, rows: 4},
	{kind: f32, isa: "NEON", lanes: 20, rows: 4},
	{kind: f32, isa: "NEON", lanes: 16, rows: 5},
	{kind: i8, isa: "SDOT", lanes: 24, rows: 4},
	{kind: i8, isa: "SDOT", lanes: 20, rows: 4},
	{kind: i8, isa: "SDOT", lanes: 16, rows: 5},
}

// kind is what a document's numbers are.
type kind struct {
	name     string
	bytes    int // of a number
	loads    int // of every row in one round of the inner loop
	elements int // in a load: what one multiplication takes from a row
	multiply func(sum, query, numbers vec, element int) instruction
}

// One round of the inner loop takes 8 numbers from every row.
var (
	f32 = &kind{name: "F32", bytes: 4, loads: 2, elements: 4, multiply: fmla}
	i8  = &kind{name: "I8", bytes: 1, loads: 1, elements: 2, multiply: sdot}
)

const numbersARound = 8

// mode is what happens to the dot products of a tile.
type mode string

const (
	modeMax    mode = "max"
	modeArgmax mode = "argmax"
	modeDots   mode = "dots"
)

// tile scores `lanes` query rows against `rows` document rows at once.
type tile struct {
	kind  *kind
	isa   string
	lanes int
	rows  int
}

// vectors is how many registers hold one number of each lane.
func (t tile) vectors() int { return t.lanes / 4 }

// queryPair is the first of two neighbouring registers for numbers of the query.
// There are two such pairs, so that one is loaded while the other is multiplied.
func (t tile) queryPair(i int) vec { return vec(i % 2 * 2) }

// number is the register for numbers of a document row.
func (t tile) number(row int) vec { return vec(4 + row) }

// sum is the register for the dot products of a document row with four lanes.
func (t tile) sum(row, vector int) vec { return vec(4 + t.rows + row*t.vectors() + vector) }

// The general registers of a tile.
const (
	query  reg = iota // the numbers of the query that come next
	doc               // the first row of the tile
	left              // rows from there on
	stride            // bytes of a row
	scales            // i8: the scale of the first row of the tile
	first             // argmax: its number
	out               // dots: where its dot products go
	rounds            // of the inner loop that are left
	ahead             // what is prefetched next
	t0                // for a moment
	t1                // for a moment
	row0              // the numbers of the first row that come next
)

// rowAt is where the numbers of a row come from.
func rowAt(row int) reg { return row0 + reg(row) }

// codesOf is where the codes of a row are changed before they are multiplied. R19
// comes after the registers that belong to others.
func codesOf(row int) reg { return reg(19 + row) }
