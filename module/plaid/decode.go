package plaid

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/weaviate/weaviate/entities/storobj"

	"weaviate-colpali/maxsim"
)

// findVectors finds the multi-vector of a name in a stored object and leaves it
// where it is. An object without it has no rows.
//
// The layout is Weaviate's (storobj.Object.MarshalBinary, version 1), all numbers
// little-endian, with <n> for a field of as many bytes as the count before says:
//
//	version u8 = 1 | id u64 | kind u8 | uuid 16 | created i64 | updated i64     42 bytes
//	dims u16       | unnamed vector <4 * dims>
//	len u16        | class name <len>
//	len u32        | properties <len>            pages are base64 in here
//	len u32        | additional properties <len>
//	len u32        | vector weights <len>
//	len u32        | offsets of single vectors <len>
//	len u32        | single vectors <len>
//	len u32        | offsets of multi-vectors, msgpack {name: u32} <len>
//	len u32        | multi-vectors <len>: rows u32, then for each row dims u16 | numbers <4 * dims>
//
// Objects written by old releases end before one of the later fields.
func findVectors(object []byte, targetVector string) (maxsim.Strided, error) {
	if len(object) < storobj.MarshallerV1HeaderLen || object[0] != 1 {
		return maxsim.Strided{}, errors.New("the object has a layout that is not known here: " +
			"it was written by a newer Weaviate than this server is built from")
	}
	in := reader{rest: object[storobj.MarshallerV1HeaderLen:]}
	in.skip(4 * in.u16()) // unnamed vector
	in.skip(in.u16())     // class name
	in.skip(in.u32())     // properties
	in.skip(in.u32())     // additional properties
	in.skip(in.u32())     // vector weights
	if in.broken {
		return maxsim.Strided{}, errBroken
	}
	if len(in.rest) == 0 {
		return maxsim.Strided{}, nil
	}
	in.skip(in.u32()) // offsets of single vectors
	in.skip(in.u32()) // single vectors
	if in.broken {
		return maxsim.Strided{}, errBroken
	}
	if len(in.rest) == 0 {
		return maxsim.Strided{}, nil
	}
	offsets := in.take(in.u32())
	vectors := reader{rest: in.take(in.u32())}
	if in.broken {
		return maxsim.Strided{}, errBroken
	}
	found, err := vectors.seek(offsets, targetVector)
	if err != nil || !found {
		return maxsim.Strided{}, err
	}
	return vectors.rows()
}

var errBroken = errors.New("the stored object is broken: its lengths do not fit together")

// seek goes to where offsets say that the multi-vector of a name is.
func (r *reader) seek(offsets []byte, name string) (found bool, err error) {
	if len(offsets) == 0 {
		return false, nil
	}
	var byName map[string]uint32
	if err := msgpack.Unmarshal(offsets, &byName); err != nil {
		return false, fmt.Errorf("%w: %w", errBroken, err)
	}
	offset, ok := byName[name]
	if !ok {
		return false, nil
	}
	r.skip(int(offset))
	if r.broken {
		return false, errBroken
	}
	return true, nil
}

// rowHead is what stands before the numbers of each row: how many they are.
const rowHead = 2

// rows reads a row count and the rows.
func (r *reader) rows() (maxsim.Strided, error) {
	rows := r.u32()
	if r.broken {
		return maxsim.Strided{}, errBroken
	}
	if rows == 0 {
		return maxsim.Strided{}, nil
	}
	first := *r
	dim := first.u16()
	stride := rowHead + 4*dim
	if first.broken || rows > len(r.rest)/stride {
		return maxsim.Strided{}, errBroken
	}
	if dim == 0 {
		return maxsim.Strided{}, nil
	}
	data := r.take(rows * stride)
	for row := range rows {
		if int(binary.LittleEndian.Uint16(data[row*stride:])) != dim {
			return maxsim.Strided{}, errBroken
		}
	}
	return maxsim.Strided{Data: data[rowHead:], Dim: dim, Stride: stride}, nil
}

// reader takes fields off the front of rest. After one that does not fit it is
// broken and gives zeros, so that callers may look once after several fields.
type reader struct {
	rest   []byte
	broken bool
}

func (r *reader) take(n int) []byte {
	if r.broken || n < 0 || n > len(r.rest) {
		r.broken = true
		return nil
	}
	field := r.rest[:n]
	r.rest = r.rest[n:]
	return field
}

func (r *reader) skip(n int) { r.take(n) }

func (r *reader) u16() int {
	field := r.take(2)
	if r.broken {
		return 0
	}
	return int(binary.LittleEndian.Uint16(field))
}

func (r *reader) u32() int {
	field := r.take(4)
	if r.broken {
		return 0
	}
	return int(binary.LittleEndian.Uint32(field))
}
