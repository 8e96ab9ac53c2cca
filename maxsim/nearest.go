package maxsim

import "slices"

// Nearest appends to dst, in ascending order, the centroids that are among the n with
// the largest entries of a query row, and of equal entries those of smaller number.
// Rows of the query that are not finite have none.
//
// It looks at every entry twice, in plain Go: 20 rows take 0.3 ms for 8,192 centroids,
// 2.1 ms for 65,536.
func (t *CentroidTable) Nearest(dst []uint32, n int) []uint32 {
	if n <= 0 || len(t.entries) == 0 {
		return dst
	}
	s := takeScratch()
	defer s.free()
	lanes := t.lanesOfRows()
	counts := t.count(s, lanes)
	quotas := make([]quota, lanes)
	for lane := range quotas {
		if t.add[lane] > 0 { // the row is finite
			quotas[lane] = quotaOf(counts[lane<<8:][:256], n)
		} else {
			quotas[lane] = quota{least: entryMost + 1}
		}
	}
	for c := range t.centroids {
		if takes(quotas, t.entries[c<<t.shift:][:lanes]) {
			dst = append(dst, uint32(c))
		}
	}
	return dst
}

// lanesOfRows is the lanes before the last that has a row.
func (t *CentroidTable) lanesOfRows() int {
	lanes := len(t.add)
	for lanes > 0 && t.add[lanes-1] == 0 {
		lanes--
	}
	return lanes
}

// count is how often each lane has each entry, 256 numbers a lane.
func (t *CentroidTable) count(s *scratch, lanes int) []uint32 {
	s.counts = slices.Grow(s.counts[:0], lanes<<8)[:lanes<<8]
	clear(s.counts)
	for c := range t.centroids {
		for lane, entry := range t.entries[c<<t.shift:][:lanes] {
			s.counts[lane<<8|int(entry)]++
		}
	}
	return s.counts
}

// quota is which entries of a lane are among its n largest: those above least, and
// so many that equal it.
type quota struct {
	least int
	equal uint32
}

func quotaOf(counts []uint32, n int) quota {
	left := uint32(n)
	for entry := entryMost; entry >= 0; entry-- {
		if counts[entry] >= left {
			return quota{least: entry, equal: left}
		}
		left -= counts[entry]
	}
	return quota{least: -1} // there are no more than n
}

// takes reports whether a lane takes one of a centroid's entries.
func takes(quotas []quota, entries []uint8) bool {
	taken := false
	for lane, entry := range entries {
		q := &quotas[lane]
		if int(entry) < q.least {
			continue
		}
		if int(entry) > q.least {
			taken = true
		} else if q.equal > 0 {
			q.equal--
			taken = true
		}
	}
	return taken
}
