// Package processor turns what a user sends into what a ColPali model reads, as the model's own
// Python processor does: an image file into pixel values, a text into token ids.
//
//	blob -> [DecodeImage] -> [RGB.Resize] -> [Normalizer.Apply] -> float32 planes
//	blob -> [DecodeImage] -> [Tiling.Cut] -> the same for each tile; [TilePrompt.IDs] -> token ids
//	blob -> [DecodeImage] -> [Patching.Scale] -> [Patching.Apply] -> patches; [RotaryPositions]
//	text -> [Tokenizer.Encode] -> token ids
//
// A late-interaction score is a sum over a thousand patches, so pixels that are a little off move
// every score. Each step therefore repeats its reference bit for bit, and says where it cannot:
//
//   - Resizing is Pillow's two-pass fixed-point arithmetic: identical bytes.
//   - Normalising is the slow Hugging Face image processor's: identical float32 values.
//   - PNG, GIF, BMP, TIFF and both kinds of WebP decode to Pillow's bytes. JPEG, in a TIFF too, differs by at
//     most three grey levels, because the inverse cosine transform is Go's and not libjpeg's; CMYK and YCCK are read
//     as inverted, as Pillow does whatever the file says. A 16-bit
//     grey image keeps its eight high bits, where Pillow clips at 255 and returns a white page.
//   - Token ids equal those of the tokenizers library told to read special tokens as plain text
//     (encode_special_tokens), so no text can smuggle an image token into a model. Where that library's
//     Unicode tables are newer than Go's (letters, marks, numbers, lower case) or older (NFC), its are
//     followed: every code point is compared.
//
// Transparency is dropped without blending and EXIF orientation is ignored, as the references do, unless a
// [View] asks for white paper and upright pictures; TIFF is always upright, since Pillow orients it on
// loading. Of an animated GIF the first frame is read. Animated WebP is refused, and so are TIFF with CMYK
// or JPEG tiles inside, and JPEG of 12 bits, of arithmetic coding or without loss.
//
// Every input is hostile: sizes are read and checked before anything is decoded, a decoder that
// panics yields an error, and no error repeats the input. All types are safe for concurrent use
// once made; [RGB] as long as nobody writes its pixels.
//
// The package knows neither models nor Weaviate. The licences of the libraries whose arithmetic it
// repeats are in the file NOTICE at the root of the repository.
package processor
