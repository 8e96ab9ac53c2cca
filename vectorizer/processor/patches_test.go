package processor

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPatchSizesEqualSmartResize(t *testing.T) {
	var golden struct {
		Cases []struct {
			Edge      int `json:"edge"`
			MinPixels int `json:"min_pixels"`
			MaxPixels int `json:"max_pixels"`
			From      [2]int
			To        *[2]int
		}
	}
	readGolden(t, "patch_sizes.json", &golden)
	refused := 0
	for _, c := range golden.Cases {
		t.Run(fmt.Sprintf("%v in patches of %d up to %d", c.From, c.Edge, c.MaxPixels), func(t *testing.T) {
			patching := Patching{Edge: c.Edge, Merge: 2, MinPixels: c.MinPixels, MaxPixels: c.MaxPixels}
			width, height, err := patching.Size(c.From[0], c.From[1])
			if c.To == nil {
				refused++
				require.ErrorIs(t, err, ErrTooLarge)
				require.ErrorContains(t, err, "one side may be 200 times the other")
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.To[0], width)
			require.Equal(t, c.To[1], height)
		})
	}
	require.Positive(t, refused)
}

func TestPatchesEqualSlowProcessor(t *testing.T) {
	var golden struct {
		Cases []struct {
			Edge      int `json:"edge"`
			MinPixels int `json:"min_pixels"`
			MaxPixels int `json:"max_pixels"`
			From      [2]int
			Grid      [2]int
			Mean, Std [3]float32
			Positions []int64
			SHA256    string `json:"pixel_values_sha256"`
		}
	}
	readGolden(t, "patches.json", &golden)
	require.NotEmpty(t, golden.Cases)
	for _, c := range golden.Cases {
		t.Run(fmt.Sprintf("%v in patches of %d", c.From, c.Edge), func(t *testing.T) {
			normalizer, err := NewNormalizer(1.0/255, c.Mean, c.Std)
			require.NoError(t, err)
			patching := Patching{
				Edge: c.Edge, Merge: 2, Frames: 2, MinPixels: c.MinPixels, MaxPixels: c.MaxPixels,
				Filter: Bicubic, Order: Pillow13,
			}
			scaled, err := patching.Scale(noise(c.From[0], c.From[1]))
			require.NoError(t, err)
			columns, rows := patching.Grid(scaled)
			require.Equal(t, c.Grid[0], columns)
			require.Equal(t, c.Grid[1], rows)

			values := make([]float32, 4*columns*rows*patching.Values())
			patching.Apply(values, scaled, normalizer)
			var bits []byte
			for _, v := range values {
				bits = binary.LittleEndian.AppendUint32(bits, math.Float32bits(v))
			}
			require.Equal(t, c.SHA256, sha256Hex(bits))

			positions := make([]int64, 2*4*columns*rows)
			patching.Positions(positions, scaled)
			require.Equal(t, c.Positions, positions)
		})
	}
}

func TestRotaryPositionsEqualReference(t *testing.T) {
	var golden struct {
		Cases []struct {
			ImageTokenID int64 `json:"image_token_id"`
			IDs          []int64
			Grid         [2]int
			Positions    [3][]int64
		}
	}
	readGolden(t, "rotary.json", &golden)
	require.NotEmpty(t, golden.Cases)
	for _, c := range golden.Cases {
		require.Equal(t, c.Positions, RotaryPositions(c.IDs, c.ImageTokenID, c.Grid[0], c.Grid[1]), "%v", c.Grid)
	}
}
