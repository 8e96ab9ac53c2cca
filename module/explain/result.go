package explain

// Result is the property of one object, as [Field] declares it.
type Result struct {
	Score    float64
	Searched *Search
	Tokens   []Token
	Cut      int
	Map      *Map
	Image    *string
	Reason   *string
}

// Token is what one query token adds to the score.
type Token struct {
	Text   *string
	Prompt bool
	Score  float64
	Column *int
	Row    *int
}

// Map is a similarity map.
type Map struct {
	Width  int
	Height int
	Values []float64
}
