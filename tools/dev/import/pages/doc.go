// Package pages turns files into pages as a vectorizer reads them: PDFs are rendered by PDFium inside a
// WebAssembly sandbox, images are passed on as they are, TIFFs of several pages are split.
//
// Files are hostile here. What one page may take is bounded in pixels, memory and time, PDFium sees no file but
// the bytes of the one that it reads, and a file that breaks it breaks nothing else.
package pages
