package vectorizer

import (
	"fmt"
	"strconv"
	"strings"
)

// graphValue is an input or an output of an ONNX graph (ValueInfoProto).
type graphValue struct {
	name    string
	element elementType
	// shape has anyLength for sides that a caller may choose.
	shape []int64
}

const anyLength = -1

// elementType is TensorProto.DataType.
type elementType uint64

const (
	elementFloat32 elementType = 1
	elementInt64   elementType = 7
	elementFloat16 elementType = 10
)

// elementNames are those that exporters write.
var elementNames = map[elementType]string{
	elementFloat32: "float32", 2: "uint8", 3: "int8", 6: "int32", elementInt64: "int64", 9: "bool",
	elementFloat16: "float16", 11: "float64", 16: "bfloat16",
}

func (e elementType) String() string {
	if name, ok := elementNames[e]; ok {
		return name
	}
	return fmt.Sprintf("type %d of onnx.proto", uint64(e))
}

// String is such as float32 "pixel_values" [?, 3, 448, 448].
func (v graphValue) String() string {
	return fmt.Sprintf("%s %.80q %s", v.element, v.name, shapeText(v.shape))
}

func shapeText(shape []int64) string {
	sides := make([]string, len(shape))
	for i, side := range shape {
		sides[i] = "?"
		if side != anyLength {
			sides[i] = strconv.FormatInt(side, 10)
		}
	}
	return "[" + strings.Join(sides, ", ") + "]"
}

const (
	maxValueBytes = 64 << 10
	maxValues     = 1000
	maxRank       = 16
)

// outermostGraph is how deep a value of the model's own graph lies, in messages.
const outermostGraph = 2

// value reads an input or output of the model's own graph, and passes over those of graphs within it.
func (w *wire) value(into *[]graphValue, size int64, depth int) error {
	if depth != outermostGraph {
		return w.skip(size)
	}
	if len(*into) == maxValues {
		return fmt.Errorf("%w: it has more than %d inputs or outputs", errGraphFile, maxValues)
	}
	content, err := w.bytes(size, maxValueBytes, "an input or output")
	if err != nil {
		return err
	}
	var v graphValue
	if err := eachField(content, func(number uint64, content []byte, _ uint64) error {
		switch number {
		case 1:
			v.name = string(content)
		case 2:
			return v.readType(content)
		}
		return nil
	}); err != nil {
		return err
	}
	*into = append(*into, v)
	return nil
}

// readType reads a TypeProto: of a tensor (field 1) the elements' type and the shape.
func (v *graphValue) readType(message []byte) error {
	return eachField(message, func(number uint64, tensor []byte, _ uint64) error {
		if number != 1 {
			return nil
		}
		return eachField(tensor, func(number uint64, shape []byte, value uint64) error {
			switch number {
			case 1:
				v.element = elementType(value)
			case 2:
				return eachField(shape, v.readSide)
			}
			return nil
		})
	})
}

// readSide reads a dimension: a number, or the name of what the caller chooses.
func (v *graphValue) readSide(number uint64, side []byte, _ uint64) error {
	if number != 1 {
		return nil
	}
	if len(v.shape) == maxRank {
		return fmt.Errorf("%w: a tensor has more than %d dimensions", errGraphFile, maxRank)
	}
	length := int64(anyLength)
	err := eachField(side, func(number uint64, _ []byte, value uint64) error {
		if number == 1 && int64(value) > 0 {
			length = int64(value)
		}
		return nil
	})
	v.shape = append(v.shape, length)
	return err
}
