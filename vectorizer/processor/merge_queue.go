package processor

// candidate is a possible merge: its rank in the high and its position in the low 32 bits, so that
// the order of numbers is the order of work.
type candidate uint64

func newCandidate(rank, position int32) candidate {
	return candidate(rank)<<32 | candidate(position)
}

func (c candidate) rank() int32     { return int32(c >> 32) }
func (c candidate) position() int32 { return int32(c & 0xffffffff) }

// mergeQueue is a binary heap with the least candidate first. container/heap would put every
// candidate on the Go heap, and a text of a megabyte has a million.
type mergeQueue []candidate

func (q mergeQueue) order() {
	for i := len(q)/2 - 1; i >= 0; i-- {
		q.sink(i)
	}
}

func (q *mergeQueue) push(c candidate) {
	*q = append(*q, c)
	heap := *q
	for i := len(heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if heap[parent] <= heap[i] {
			return
		}
		heap[parent], heap[i] = heap[i], heap[parent]
		i = parent
	}
}

func (q *mergeQueue) pop() candidate {
	heap := *q
	least := heap[0]
	last := len(heap) - 1
	heap[0] = heap[last]
	*q = heap[:last]
	q.sink(0)
	return least
}

func (q mergeQueue) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(q) {
			return
		}
		if child+1 < len(q) && q[child+1] < q[child] {
			child++
		}
		if q[i] <= q[child] {
			return
		}
		q[i], q[child] = q[child], q[i]
		i = child
	}
}
