package processor_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"log"

	"weaviate-colpali/vectorizer/processor"
)

// A page on its way into a vision graph: decoded, scaled and normalised.
func ExampleDecodeImage() {
	var blob bytes.Buffer
	if err := png.Encode(&blob, image.NewGray(image.Rect(0, 0, 850, 1100))); err != nil {
		log.Fatal(err)
	}
	page, err := processor.DecodeImage(blob.Bytes(), processor.Limits{MaxBytes: 20 << 20, MaxPixels: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	resized := page.Resize(448, 448, processor.Bicubic, processor.Pillow13)

	half := [3]float32{0.5, 0.5, 0.5}
	normalizer, err := processor.NewNormalizer(1.0/255, half, half)
	if err != nil {
		log.Fatal(err)
	}
	pixelValues := make([]float32, 3*resized.Width*resized.Height)
	normalizer.Apply(pixelValues, resized)
	fmt.Println(len(pixelValues), pixelValues[0])
	// Output: 602112 -1
}

func ExampleTokenizer_Encode() {
	tokenizer, err := processor.NewTokenizer([]byte(`{
		"added_tokens": [{"id": 0, "content": "<image>", "special": true}],
		"normalizer": {"type": "Lowercase"},
		"model": {
			"type": "BPE",
			"vocab": {"<image>": 0, "a": 1, "b": 2, "c": 3, "ab": 4, "abc": 5},
			"merges": [["a", "b"], ["ab", "c"]]
		}
	}`))
	if err != nil {
		log.Fatal(err)
	}
	for _, id := range tokenizer.Encode(nil, "ABCab") {
		fmt.Println(id, tokenizer.Piece(id))
	}
	// Output:
	// 5 abc
	// 4 ab
}
