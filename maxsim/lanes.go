package maxsim

// passLanes is how many lanes a pass may have: so many best products are kept
// while a document is read once. Computing them takes ten times as long as
// reading the document, so that a longer query loses nothing by reading it again.
const passLanes = 128

// split returns the lanes of the groups that rows are packed into, given what the
// kernels offer, the most lanes first: as few lanes as hold the rows, and of these
// sums the one with the largest kernels. With 24, 20 and 16 lanes, 32 are 16 and 16.
func split(rows int, offered []int) []int {
	smallest := offered[len(offered)-1]
	for lanes := max(rows, smallest); ; lanes++ {
		if groups := sumUp(lanes, offered); groups != nil {
			return groups
		}
	}
}

// sumUp is offered numbers that add up to lanes, or nil where none do.
func sumUp(lanes int, offered []int) []int {
	possible := make([]bool, lanes+1)
	possible[0] = true
	for sum := range lanes + 1 {
		for _, n := range offered {
			possible[sum] = possible[sum] || sum >= n && possible[sum-n]
		}
	}
	if !possible[lanes] {
		return nil
	}
	var groups []int
	for lanes > 0 {
		for _, n := range offered {
			if lanes >= n && possible[lanes-n] {
				groups, lanes = append(groups, n), lanes-n
				break
			}
		}
	}
	return groups
}

// packed is query rows as one kernel reads them, to score documents of type D.
type packed[D any] interface {
	// max raises best to the largest products with the rows of a block.
	max(best []float32, doc D, b block)
	// argmax is max that also writes the row's number wherever it raises best.
	argmax(best []float32, row []uint32, doc D, b block)
}

// pass is groups that read a document together, block by block.
type pass[P any] struct {
	first  int // the first query row
	rows   int // query rows; the lanes behind them are empty
	lanes  int
	groups []group[P]
}

// group is one kernel with what it scores.
type group[P any] struct {
	lane   int // its first lane, within the pass
	lanes  int
	packed P
}

// passes packs rows into groups, by pack, and these into passes.
func passes[P any](rows int, offered []int, pack func(first, lanes int) P) []pass[P] {
	var all []pass[P]
	first := 0
	for _, lanes := range split(rows, offered) {
		if len(all) == 0 || all[len(all)-1].lanes+lanes > passLanes {
			all = append(all, pass[P]{first: first})
		}
		p := &all[len(all)-1]
		p.groups = append(p.groups, group[P]{lane: p.lanes, lanes: lanes, packed: pack(first, lanes)})
		p.lanes += lanes
		p.rows = min(p.lanes, rows-p.first)
		first += lanes
	}
	return all
}

// document is rows that can be scored.
type document interface {
	Rows() int
	rowBytes() int
}

// largest leaves the largest products of a pass in s.best.
func largest[D document, P packed[D]](s *scratch, p *pass[P], doc D) {
	s.reset(p.lanes)
	for b := firstBlock(doc.Rows(), doc.rowBytes(), len(p.groups)); b.rows > 0; b = b.next() {
		for _, g := range p.groups {
			g.packed.max(s.best[g.lane:g.lane+g.lanes], doc, b)
		}
	}
}

// matches leaves the largest products of a pass in s.best, and whose they are in
// s.row.
func matches[D document, P packed[D]](s *scratch, p *pass[P], doc D) {
	s.reset(p.lanes)
	for b := firstBlock(doc.Rows(), doc.rowBytes(), len(p.groups)); b.rows > 0; b = b.next() {
		for _, g := range p.groups {
			g.packed.argmax(s.best[g.lane:g.lane+g.lanes], s.row[g.lane:g.lane+g.lanes], doc, b)
		}
	}
}

// blockBytes is how much of a document one group after another reads: it stays in
// the second level of cache (512 KiB and up) beside the packed query.
const blockBytes = 64 << 10

// blockStep divides the rows of every tile that a kernel has (4, 6, 8 and 12), so
// that only the last block has a tile that does not fill up.
const blockStep = 24

// block is rows of a document.
type block struct{ first, rows, total, size int }

// firstBlock begins to cut `total` rows of rowBytes into blocks. One group reads
// everything at once.
func firstBlock(total, rowBytes, groups int) block {
	if total == 0 {
		return block{}
	}
	size := max(1, blockBytes/(rowBytes*blockStep)) * blockStep
	if groups == 1 {
		size = total
	}
	return block{total: total, size: size}.at(0)
}

func (b block) next() block { return b.at(b.first + b.rows) }

// at is the block from a row on. The last one takes a rest shorter than a tile.
func (b block) at(first int) block {
	b.first, b.rows = first, b.size
	if b.total-first < b.size+blockStep {
		b.rows = b.total - first
	}
	return b
}
