package processor

import (
	"fmt"
	"math"
)

// TilePrompt is the part of a page's prompt that stands for its tiles (Idefics3Processor): marks, and
// image tokens between them.
type TilePrompt struct {
	ImageTokenID int64
	// TileTokens is how many image tokens a tile has: a square number, row by row.
	TileTokens int
	// TileIDs stand before each tile, by row and column of the largest grid.
	TileIDs [][][]int64
	// RowEndIDs stand behind each row of tiles but the last, GridEndIDs behind that one. They are not
	// the same: tokenizers may join the line feeds there.
	RowEndIDs, GridEndIDs []int64
	// ViewIDs stand before the view of the whole page, EndIDs behind it.
	ViewIDs, EndIDs []int64
}

// Check says why these ids could not be the prompt of every grid of at most side by side tiles.
func (p TilePrompt) Check(side int) error {
	if root := p.tileSide(); p.TileTokens < 1 || root*root != p.TileTokens {
		return fmt.Errorf("%d image tokens a tile are not a square number", p.TileTokens)
	}
	if len(p.TileIDs) < side {
		return fmt.Errorf("there are tile ids of %d rows, pages have up to %d", len(p.TileIDs), side)
	}
	for row, ids := range p.TileIDs {
		if len(ids) < side {
			return fmt.Errorf("there are tile ids of %d columns in row %d, pages have up to %d", len(ids), row, side)
		}
	}
	return nil
}

// IDs returns the tokens of a page of this grid; see [Tiling.Grid].
func (p TilePrompt) IDs(columns, rows int) []int64 {
	var ids []int64
	for row := range rows {
		for column := range columns {
			ids = p.appendTile(ids, p.TileIDs[row][column])
		}
		if row < rows-1 {
			ids = append(ids, p.RowEndIDs...)
		} else {
			ids = append(ids, p.GridEndIDs...)
		}
	}
	return append(p.appendTile(ids, p.ViewIDs), p.EndIDs...)
}

func (p TilePrompt) appendTile(ids, marks []int64) []int64 {
	ids = append(ids, marks...)
	for range p.TileTokens {
		ids = append(ids, p.ImageTokenID)
	}
	return ids
}

// Patches returns the grid of patches of a page, and for each patch, row by row from the top left,
// its place in [TilePrompt.IDs]. The view of the whole is left out where there are tiles: it shows the
// same once more, coarser.
func (p TilePrompt) Patches(columns, rows int) (width, height int, places []int) {
	side, first := p.tileSide(), p.firsts(columns, rows)
	columns = max(columns, 1)
	width, height = columns*side, max(rows, 1)*side
	places = make([]int, 0, width*height)
	for y := range height {
		for x := range width {
			tile := y/side*columns + x/side
			places = append(places, first[tile]+y%side*side+x%side)
		}
	}
	return width, height, places
}

// firsts is where each tile's image tokens begin, those of the view last.
func (p TilePrompt) firsts(columns, rows int) []int {
	var firsts []int
	inside := 0
	for place, id := range p.IDs(columns, rows) {
		if id != p.ImageTokenID {
			continue
		}
		if inside%p.TileTokens == 0 {
			firsts = append(firsts, place)
		}
		inside++
	}
	return firsts
}

func (p TilePrompt) tileSide() int { return int(math.Sqrt(float64(max(p.TileTokens, 0)))) }
