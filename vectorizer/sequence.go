package vectorizer

import "weaviate-colpali/vectorizer/ort"

// sequence is the tokens of a page or a query.
type sequence struct {
	ids []int64
	// positions in time, row and column, for text graphs that take them.
	positions [3][]int64
}

// textTensors are input_ids, attention_mask and, for models with rotary positions, position_ids of
// sequences padded at the right to the longest.
func (g *graphs) textTensors(sequences []sequence) (tensors []ort.Tensor, longest int) {
	for _, s := range sequences {
		longest = max(longest, len(s.ids))
	}
	block := len(sequences) * longest
	ids, mask := make([]int64, block), make([]int64, block)
	for i, s := range sequences {
		copy(ids[i*longest:], s.ids)
		for j := range s.ids {
			// By length, not by id: the pads that ColPali puts behind a query are real tokens.
			mask[i*longest+j] = 1
		}
	}
	shape := []int64{int64(len(sequences)), int64(longest)}
	tensors = []ort.Tensor{ort.Int64{Shape: shape, Data: ids}, ort.Int64{Shape: shape, Data: mask}}
	if g.manifest.Graph.Positions != rotaryPositions {
		return tensors, longest
	}
	positions := make([]int64, 3*block)
	for axis := range 3 {
		for i, s := range sequences {
			copy(positions[axis*block+i*longest:], s.positions[axis])
		}
	}
	return append(tensors, ort.Int64{Shape: append([]int64{3}, shape...), Data: positions}), longest
}
