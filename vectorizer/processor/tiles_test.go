package processor

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTileSizesEqualSlowProcessor(t *testing.T) {
	var golden struct {
		Cases []struct {
			Edge        int `json:"edge"`
			LongestEdge int `json:"longest_edge"`
			From        [2]int
			Steps       [2][2]int
			Grid        [2]int
		}
	}
	readGolden(t, "tile_sizes.json", &golden)
	require.NotEmpty(t, golden.Cases)
	for _, c := range golden.Cases {
		t.Run(fmt.Sprintf("%v in tiles of %d", c.From, c.Edge), func(t *testing.T) {
			tiling := Tiling{Edge: c.Edge, LongestEdge: c.LongestEdge}
			for i, step := range tiling.steps(c.From[0], c.From[1]) {
				require.Equal(t, size{c.Steps[i][0], c.Steps[i][1]}, step, "step %d", i)
			}
			columns, rows := tiling.Grid(c.From[0], c.From[1])
			require.Equal(t, c.Grid[0], columns)
			require.Equal(t, c.Grid[1], rows)
		})
	}
}

func TestTilesEqualSlowProcessor(t *testing.T) {
	var golden struct {
		Cases []struct {
			Edge        int `json:"edge"`
			LongestEdge int `json:"longest_edge"`
			From        [2]int
			Tiles       int
			SHA256      string `json:"pixel_values_sha256"`
		}
	}
	readGolden(t, "tiles.json", &golden)
	require.NotEmpty(t, golden.Cases)
	half := [3]float32{0.5, 0.5, 0.5}
	normalizer, err := NewNormalizer(1.0/255, half, half)
	require.NoError(t, err)
	for _, c := range golden.Cases {
		t.Run(fmt.Sprintf("%v to %d in tiles of %d", c.From, c.LongestEdge, c.Edge), func(t *testing.T) {
			tiling := Tiling{Edge: c.Edge, LongestEdge: c.LongestEdge, Filter: Lanczos, Order: Pillow13}
			tiles := tiling.Cut(noise(c.From[0], c.From[1]))
			columns, rows := tiling.Grid(c.From[0], c.From[1])
			require.Len(t, tiles, columns*rows+1)
			require.Len(t, tiles, c.Tiles)
			values := make([]float32, 3*c.Edge*c.Edge)
			var bits []byte
			for _, tile := range tiles {
				normalizer.Apply(values, tile)
				for _, v := range values {
					bits = binary.LittleEndian.AppendUint32(bits, math.Float32bits(v))
				}
			}
			require.Equal(t, c.SHA256, sha256Hex(bits))
		})
	}
}

func TestTilePromptEqualsReference(t *testing.T) {
	var golden struct {
		Cases []struct {
			ImageTokenID int64       `json:"image_token_id"`
			TileTokens   int         `json:"tile_tokens"`
			TileIDs      [][][]int64 `json:"tile_ids"`
			RowEndIDs    []int64     `json:"row_end_ids"`
			GridEndIDs   []int64     `json:"grid_end_ids"`
			ViewIDs      []int64     `json:"view_ids"`
			EndIDs       []int64     `json:"end_ids"`

			Grid    [2]int
			IDs     []int64 `json:"ids"`
			Patches []int
		}
	}
	readGolden(t, "tile_prompt.json", &golden)
	require.NotEmpty(t, golden.Cases)
	for _, c := range golden.Cases {
		t.Run(fmt.Sprintf("%v of %d", c.Grid, c.TileTokens), func(t *testing.T) {
			prompt := TilePrompt{
				ImageTokenID: c.ImageTokenID, TileTokens: c.TileTokens, TileIDs: c.TileIDs,
				RowEndIDs: c.RowEndIDs, GridEndIDs: c.GridEndIDs, ViewIDs: c.ViewIDs, EndIDs: c.EndIDs,
			}
			require.NoError(t, prompt.Check(4))
			require.Equal(t, c.IDs, prompt.IDs(c.Grid[0], c.Grid[1]))
			width, height, places := prompt.Patches(c.Grid[0], c.Grid[1])
			require.Equal(t, c.Patches, places)
			require.Equal(t, len(places), width*height)
		})
	}
}

func TestTilePromptThatNoPageFits(t *testing.T) {
	row := [][]int64{{1}, {2}}
	for want, prompt := range map[string]TilePrompt{
		"0 image tokens a tile":                  {},
		"12 image tokens a tile are not":         {TileTokens: 12},
		"tile ids of 1 rows, pages have up to 2": {TileTokens: 4, TileIDs: [][][]int64{row}},
		"of 1 columns in row 1":                  {TileTokens: 4, TileIDs: [][][]int64{row, row[:1]}},
	} {
		require.ErrorContains(t, prompt.Check(2), want)
	}
	require.NoError(t, TilePrompt{TileTokens: 4, TileIDs: [][][]int64{row, row}}.Check(2))
}
