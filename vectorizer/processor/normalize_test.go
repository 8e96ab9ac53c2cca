package processor

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPixelValuesEqualSlowProcessor(t *testing.T) {
	var golden struct {
		Cases []struct {
			Preset    string
			Mean, Std [3]float32
			From      [2]int
			Side      int
			SHA256    string `json:"pixel_values_sha256"`
		}
	}
	readGolden(t, "normalize.json", &golden)
	require.NotEmpty(t, golden.Cases)
	for _, c := range golden.Cases {
		t.Run(fmt.Sprintf("%s/%v to %d", c.Preset, c.From, c.Side), func(t *testing.T) {
			normalizer, err := NewNormalizer(1.0/255, c.Mean, c.Std)
			require.NoError(t, err)
			resized := noise(c.From[0], c.From[1]).Resize(c.Side, c.Side, Bicubic, Pillow13)
			values := make([]float32, len(resized.Pix))
			normalizer.Apply(values, resized)

			var bits []byte
			for _, v := range values {
				bits = binary.LittleEndian.AppendUint32(bits, math.Float32bits(v))
			}
			require.Equal(t, c.SHA256, sha256Hex(bits))
		})
	}
}

func TestNormalizerRefusesWhatIsNotFinite(t *testing.T) {
	ones := [3]float32{1, 1, 1}
	for name, c := range map[string]struct {
		rescale   float64
		mean, std [3]float32
	}{
		"std of zero":       {1, ones, [3]float32{1, 0, 1}},
		"mean not a number": {1, [3]float32{0, 0, float32(math.NaN())}, ones},
		"infinite rescale":  {math.Inf(1), ones, ones},
		"overflow":          {1e38, ones, [3]float32{1e-3, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewNormalizer(c.rescale, c.mean, c.std)
			require.ErrorContains(t, err, "finite")
		})
	}
}
