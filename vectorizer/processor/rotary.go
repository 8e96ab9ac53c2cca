package processor

// RotaryPositions returns the positions of a sequence in time, row and column, as Qwen2VLModel's
// get_rope_index counts them (multimodal rotary embedding, Qwen2-VL, section 2.1). Text counts all
// three up together. An image stands still in time and counts its rows and columns from there; what
// follows it begins behind its longer side.
//
// Image tokens must come as whole images of columns x rows tokens. (transformers 5.3 multiplies the
// time of Qwen2.5's images by tokens_per_second, its issue 45325: models were not trained so.)
func RotaryPositions(ids []int64, imageTokenID int64, columns, rows int) [3][]int64 {
	var positions [3][]int64
	for axis := range positions {
		positions[axis] = make([]int64, len(ids))
	}
	next := int64(0)
	for place := 0; place < len(ids); {
		if ids[place] != imageTokenID {
			positions[0][place], positions[1][place], positions[2][place] = next, next, next
			next++
			place++
			continue
		}
		for token := range columns * rows {
			positions[0][place+token] = next
			positions[1][place+token] = next + int64(token/columns)
			positions[2][place+token] = next + int64(token%columns)
		}
		place += columns * rows
		next += int64(max(columns, rows))
	}
	return positions
}
