package processor

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestResizeEqualsPillow(t *testing.T) {
	for _, file := range []string{"resize_pillow12.json", "resize_pillow13.json", "resize_bilinear.json"} {
		var golden struct {
			PassOrder PassOrder `json:"pass_order"`
			Cases     []struct {
				From, To [2]int
				Filter   Filter
				SHA256   string `json:"rgb_sha256"`
			}
		}
		readGolden(t, file, &golden)
		require.NotEmpty(t, golden.Cases)
		for _, c := range golden.Cases {
			t.Run(fmt.Sprintf("%s/%v to %v filter %d", file, c.From, c.To, c.Filter), func(t *testing.T) {
				resized := noise(c.From[0], c.From[1]).Resize(c.To[0], c.To[1], c.Filter, golden.PassOrder)
				require.Equal(t, c.To[0], resized.Width)
				require.Equal(t, c.To[1], resized.Height)
				require.Equal(t, c.SHA256, sha256Hex(resized.Pix))
			})
		}
	}
}

// The goldens prove the pass orders only if they differ where the rule says so.
func TestPassOrdersDiffer(t *testing.T) {
	narrow := noise(612, 792)
	require.NotEqual(t,
		narrow.Resize(448, 448, Bicubic, Pillow12).Pix,
		narrow.Resize(448, 448, Bicubic, Pillow13).Pix)

	square := noise(600, 600)
	require.Equal(t,
		square.Resize(448, 448, Bicubic, Pillow12).Pix,
		square.Resize(448, 448, Bicubic, Pillow13).Pix)
}

func TestResizeLeavesSourceAlone(t *testing.T) {
	source := noise(40, 40)
	same := source.Resize(40, 40, Lanczos, Pillow13)
	require.Equal(t, source.Pix, same.Pix)
	same.Pix[0]++
	require.Equal(t, noise(40, 40).Pix, source.Pix)
}

func TestNamesOfFiltersAndPassOrders(t *testing.T) {
	var filter Filter
	require.NoError(t, filter.UnmarshalText([]byte("lanczos")))
	require.Equal(t, Lanczos, filter)
	require.ErrorContains(t, filter.UnmarshalText([]byte("nearest")), `"nearest" is not known; use bicubic, lanczos or bilinear`)

	var order PassOrder
	require.NoError(t, order.UnmarshalText([]byte("pillow12")))
	require.Equal(t, Pillow12, order)
	require.ErrorContains(t, order.UnmarshalText([]byte("pillow14")), `"pillow14" is not known; use pillow12 or pillow13`)
}

func BenchmarkResize(b *testing.B) {
	for _, size := range [][2]int{{850, 1100}, {2480, 3508}} {
		source := noise(size[0], size[1])
		for name, filter := range filterNames {
			b.Run(fmt.Sprintf("from=%dx%d/filter=%s", size[0], size[1], name), func(b *testing.B) {
				b.SetBytes(int64(len(source.Pix)))
				b.ReportAllocs()
				for b.Loop() {
					source.Resize(448, 448, filter, Pillow13)
				}
			})
		}
	}
}
