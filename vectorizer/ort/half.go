package ort

import (
	"encoding/binary"
	"math"

	onnx "github.com/yalue/onnxruntime_go"
)

// float16 is a tensor in row-major order, as ONNX Runtime writes it: two bytes a value.
type float16 struct {
	shape []int64
	bits  []byte
}

func newFloat16(shape []int64) float16 {
	size := int64(1)
	for _, side := range shape {
		size *= max(side, 0)
	}
	return float16{shape, make([]byte, 2*size)}
}

func (t float16) value() (onnx.Value, error) {
	tensor, err := onnx.NewCustomDataTensor(onnx.NewShape(t.shape...), t.bits, onnx.TensorElementDataTypeFloat16)
	if err != nil {
		return nil, err // as in newTensor
	}
	return tensor, nil
}

// widen writes the values into dst, which has room for all.
func (t float16) widen(dst []float32) {
	for i := range len(t.bits) / 2 {
		dst[i] = widened(binary.NativeEndian.Uint16(t.bits[2*i:]))
	}
}

// widened is exact: every float16 is a float32.
func widened(half uint16) float32 {
	sign := uint32(half>>15) << 31
	exponent, fraction := uint32(half>>10)&0x1f, uint32(half)&0x3ff
	switch exponent {
	case 0: // zero and what is smaller than 2^-14
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 0x1f: // infinities and NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}
