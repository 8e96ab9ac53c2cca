package ort

import onnx "github.com/yalue/onnxruntime_go"

// Tensor is a [Float32] or an [Int64].
type Tensor interface {
	value() (onnx.Value, error)
}

// Float32 is a tensor in row-major order. Data is used in place and must not be touched while a
// graph runs; it may be longer than the shape needs.
type Float32 struct {
	Shape []int64
	Data  []float32
}

// Int64 is a tensor in row-major order, used in place as [Float32] is.
type Int64 struct {
	Shape []int64
	Data  []int64
}

func (t Float32) value() (onnx.Value, error) { return newTensor(t.Shape, t.Data) }
func (t Int64) value() (onnx.Value, error)   { return newTensor(t.Shape, t.Data) }

func newTensor[T onnx.TensorData](shape []int64, data []T) (onnx.Value, error) {
	tensor, err := onnx.NewTensor(onnx.NewShape(shape...), data)
	if err != nil {
		// Not the nil *Tensor, which would not compare equal to a nil Value.
		return nil, err
	}
	return tensor, nil
}
