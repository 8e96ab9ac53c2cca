package kernel

import (
	"encoding/binary"
	"math"
)

// portable runs everywhere and is what the other sets are tested against.
var portable = Set{
	Name:     "portable",
	DimStep:  1,
	F32:      []F32{{Lanes: portableLanes, Max: maxF32, Argmax: argmaxF32, Dots: dotsF32}},
	I8:       []I8{{Lanes: portableLanes, Max: maxI8, Argmax: argmaxI8, Dots: dotsI8}},
	Widen:    widen,
	Narrow:   narrow,
	Largest:  largest,
	Quantize: quantize,
	Scan16:   scan[uint16],
	Scan32:   scan[uint32],
	Near16:   near[uint16],
	Near32:   near[uint32],
}

// portableLanes is 4: with two document rows the loop keeps 8 running sums, 2
// document numbers and the query numbers in amd64's 16 vector registers; more
// sums spill.
const portableLanes = 4

func maxF32(q []float32, d []byte, rows, dim, stride int, best []float32) {
	eachF32(q, d, rows, dim, stride, func(_ int, dots [portableLanes]float32) {
		for lane, dot := range dots {
			if dot > best[lane] {
				best[lane] = dot
			}
		}
	})
}

func argmaxF32(q []float32, d []byte, rows, dim, stride, first int, best []float32, row []uint32) {
	eachF32(q, d, rows, dim, stride, func(i int, dots [portableLanes]float32) {
		for lane, dot := range dots {
			if dot > best[lane] {
				best[lane], row[lane] = dot, uint32(first+i)
			}
		}
	})
}

func dotsF32(q []float32, d []byte, rows, dim, stride int, out []float32) {
	eachF32(q, d, rows, dim, stride, func(i int, dots [portableLanes]float32) {
		copy(out[i*portableLanes:], dots[:])
	})
}

// eachF32 calls yield with the dot products of every row, in order.
func eachF32(q []float32, d []byte, rows, dim, stride int, yield func(row int, dots [portableLanes]float32)) {
	row := func(i int) []byte { return d[i*stride : i*stride+4*dim] }
	i := 0
	for ; i+2 <= rows; i += 2 {
		x, y := dotPair(q, row(i), row(i+1))
		yield(i, x)
		yield(i+1, y)
	}
	if i < rows {
		yield(i, dotOne(q, row(i)))
	}
}

func number(x []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(x)) }

// dotPair is the dot products of a packed group with two document rows. Two at a
// time, every packed number is loaded once for two products, and eight sums are
// under way, which hides the latency of an addition.
func dotPair(group []float32, x, y []byte) (sx, sy [portableLanes]float32) {
	var x0, x1, x2, x3, y0, y1, y2, y3 float32
	for len(x) >= 4 && len(y) >= 4 && len(group) >= portableLanes {
		// One check for four loads.
		g := group[:portableLanes:portableLanes]
		xd, yd := number(x), number(y)
		x, y, group = x[4:], y[4:], group[portableLanes:]
		x0 += g[0] * xd
		x1 += g[1] * xd
		x2 += g[2] * xd
		x3 += g[3] * xd
		y0 += g[0] * yd
		y1 += g[1] * yd
		y2 += g[2] * yd
		y3 += g[3] * yd
	}
	return [portableLanes]float32{x0, x1, x2, x3}, [portableLanes]float32{y0, y1, y2, y3}
}

// dotOne is dotPair for the last row of an odd count. It adds in the same order,
// so that a row's dot product does not depend on its neighbours.
func dotOne(group []float32, x []byte) [portableLanes]float32 {
	var x0, x1, x2, x3 float32
	for len(x) >= 4 && len(group) >= portableLanes {
		g := group[:portableLanes:portableLanes]
		xd := number(x)
		x, group = x[4:], group[portableLanes:]
		x0 += g[0] * xd
		x1 += g[1] * xd
		x2 += g[2] * xd
		x3 += g[3] * xd
	}
	return [portableLanes]float32{x0, x1, x2, x3}
}

func maxI8(q []int8, bias []int32, d []uint8, scales []float32, rows, dim int, best []float32) {
	for i := range rows {
		for lane, product := range productsI8(q, bias, d[i*dim:(i+1)*dim], scales[i]) {
			if product > best[lane] {
				best[lane] = product
			}
		}
	}
}

func argmaxI8(q []int8, bias []int32, d []uint8, scales []float32, rows, dim, first int, best []float32, row []uint32) {
	for i := range rows {
		for lane, product := range productsI8(q, bias, d[i*dim:(i+1)*dim], scales[i]) {
			if product > best[lane] {
				best[lane], row[lane] = product, uint32(first+i)
			}
		}
	}
}

func dotsI8(q []int8, bias []int32, d []uint8, scales []float32, rows, dim int, out []float32) {
	for i := range rows {
		products := productsI8(q, bias, d[i*dim:(i+1)*dim], scales[i])
		copy(out[i*portableLanes:], products[:])
	}
}

// productsI8 is the products of a packed group with one document row. The codes
// of a dimension d of one lane stand at (d/4*lanes+lane)*4 + d%4.
func productsI8(q []int8, bias []int32, x []uint8, scale float32) (products [portableLanes]float32) {
	s0, s1, s2, s3 := bias[0], bias[1], bias[2], bias[3]
	for d, code := range x {
		g := q[d/4*4*portableLanes+d%4:]
		g = g[: 3*4+1 : 3*4+1]
		c := int32(code)
		s0 += int32(g[0]) * c
		s1 += int32(g[4]) * c
		s2 += int32(g[8]) * c
		s3 += int32(g[12]) * c
	}
	return [portableLanes]float32{float32(s0) * scale, float32(s1) * scale, float32(s2) * scale, float32(s3) * scale}
}

// widen follows the layout of IEEE 754: 1 bit of sign, 5 of exponent with a bias
// of 15, 10 of fraction, against 1, 8 with a bias of 127, and 23.
func widen(dst []float32, src []uint16) {
	for i, half := range src {
		sign, rest := uint32(half&0x8000)<<16, uint32(half&0x7fff)<<13
		switch {
		case rest >= 0x7c00<<13: // infinity or NaN
			dst[i] = math.Float32frombits(sign | 0x7f800000 | rest)
		default:
			// The exponent is 112 too small, also where it is 0 and stands for a
			// denormal number: one exact multiplication mends both.
			dst[i] = math.Float32frombits(sign|rest) * 0x1p112
		}
	}
}

func narrow(dst []uint8, stride int, src []float32, lanes int, mul, add []float32) {
	for r := range len(src) / lanes {
		row := dst[r*stride : r*stride+lanes]
		for lane, x := range src[r*lanes : (r+1)*lanes] {
			// Converted, so that the compiler rounds the product before it adds.
			y := float32(x*mul[lane]) + add[lane]
			if !(y > 0) { // NaN, too
				y = 0
			}
			row[lane] = uint8(math.RoundToEven(float64(min(y, 255))))
		}
	}
}

func largest(row []float32) float32 {
	var most uint32
	for _, x := range row {
		// Without their signs, floats are ordered as integers are, NaN last.
		most = max(most, math.Float32bits(x)&^(1<<31))
	}
	return math.Float32frombits(most)
}

func quantize(codes []uint8, row []float32, step, inverse float64) (lost, kept float64) {
	for d, x := range row {
		code := max(-127, min(127, math.RoundToEven(float64(x)*inverse)))
		codes[d] = uint8(int8(code)) ^ 0x80 // + 128
		y := code * step
		lost += (float64(x) - y) * (float64(x) - y)
		kept += y * y
	}
	return lost, kept
}

func scan[ID uint16 | uint32](table []uint8, shift int, ids []ID, offsets, rows, sums []uint32) {
	for i, row := range rows {
		var best [TableLanes]uint8
		for _, id := range ids[offsets[row]:offsets[row+1]] {
			at := int(id) << shift
			for lane, entry := range table[at : at+TableLanes] {
				best[lane] = max(best[lane], entry)
			}
		}
		for _, entry := range best {
			sums[i] += uint32(entry)
		}
	}
}

func near[ID uint16 | uint32](table []uint8, shift int, ids []ID, margin int, marks []uint8) {
	var least [TableLanes]uint8
	for _, id := range ids {
		at := int(id) << shift
		for lane, entry := range table[at : at+TableLanes] {
			least[lane] = max(least[lane], entry)
		}
	}
	for lane, most := range least {
		least[lane] = uint8(max(0, int(most)-margin))
	}
	for i, id := range ids {
		at := int(id) << shift
		for lane, entry := range table[at : at+TableLanes] {
			if entry > least[lane] {
				marks[i] = 1
				break
			}
		}
	}
}
