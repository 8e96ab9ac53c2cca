package processor

// Resize returns the image scaled to width x height, both at least 1, with the bytes that Pillow's
// Image.resize gives (Resample.c). The aspect ratio is not kept.
//
// Rows stream through both passes, so that the memory it takes follows the result and not the
// source: four bytes for each byte of the result.
func (im *RGB) Resize(width, height int, filter Filter, order PassOrder) *RGB {
	columns := newWeightTable(im.Width, width, filter)
	rows := newWeightTable(im.Height, height, filter)
	if order.verticalFirst(im, width, height) {
		return im.resizeRowsFirst(rows, columns, width, height)
	}
	return im.resizeColumnsFirst(rows, columns, width, height)
}

// resizeColumnsFirst scales each source row once and adds it to every output row that it is part of.
func (im *RGB) resizeColumnsFirst(rows, columns *weightTable, width, height int) *RGB {
	stride := 3 * width
	sums := make([]int32, stride*height)
	line := make([]uint8, stride)
	unfinished := 0 // the first output row that may need source rows from here on
	for y := range im.Height {
		columns.scaleRow(line, im.row(y))
		for output := unfinished; output < height; output++ {
			start, weights := rows.window(output)
			if y < start {
				break
			}
			if y >= start+len(weights) {
				unfinished = output + 1
				continue
			}
			addWeighted(sums[output*stride:][:stride], line, weights[y-start])
		}
	}
	out := NewRGB(width, height)
	roundSums(out.Pix, sums)
	return out
}

func (im *RGB) resizeRowsFirst(rows, columns *weightTable, width, height int) *RGB {
	out := NewRGB(width, height)
	sums := make([]int32, 3*im.Width)
	line := make([]uint8, 3*im.Width)
	for y := range height {
		clear(sums)
		start, weights := rows.window(y)
		for i, weight := range weights {
			addWeighted(sums, im.row(start+i), weight)
		}
		roundSums(line, sums)
		columns.scaleRow(out.row(y), line)
	}
	return out
}

// scaleRow writes the weighted sums of src's pixels.
func (t *weightTable) scaleRow(dst, src []uint8) {
	for x := range len(dst) / 3 {
		start, weights := t.window(x)
		r, g, b := int32(halfWeight), int32(halfWeight), int32(halfWeight)
		pixels := src[3*start : 3*(start+len(weights))]
		for _, weight := range weights {
			r += int32(pixels[0]) * weight
			g += int32(pixels[1]) * weight
			b += int32(pixels[2]) * weight
			pixels = pixels[3:]
		}
		dst[3*x], dst[3*x+1], dst[3*x+2] = roundWeight(r), roundWeight(g), roundWeight(b)
	}
}

func addWeighted(sums []int32, line []uint8, weight int32) {
	line = line[:len(sums)]
	for i := range sums {
		sums[i] += int32(line[i]) * weight
	}
}

func roundSums(dst []uint8, sums []int32) {
	dst = dst[:len(sums)]
	for i, sum := range sums {
		dst[i] = roundWeight(sum + halfWeight)
	}
}

// roundWeight drops the fractional bits of a sum that already holds the rounding half.
func roundWeight(sum int32) uint8 {
	return uint8(min(max(sum>>weightBits, 0), 255))
}
