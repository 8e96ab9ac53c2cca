package pages

import (
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Kind is what a file is by its content; names and extensions are not asked.
type Kind string

// Kinds of files.
const (
	PDF       Kind = "PDF"
	Image     Kind = "image" // of one page, in a format that the server reads
	MultiTIFF Kind = "TIFF"  // of several pages
)

// Document is a file with pages.
type Document struct {
	Path     string
	Kind     Kind
	SHA256   string // of the whole file, in hexadecimal
	Bytes    int64
	Modified time.Time
	Pages    int
}

// Page is one page as it goes to the server.
type Page struct {
	Number        int // from 1
	Blob          []byte
	Width, Height int    // pixels of the blob's picture
	Text          string // text layer of a PDF
}

// namespace of the ids of pages: any constant does, as long as it stays the same.
var namespace = uuid.MustParse("6d0a4b52-9a6c-5e7e-8a4e-3f0d3b6c1f42")

// ID is the UUID of a page: version 5 of the file's hash and the page's number, so that the same page has the
// same id at every import, whatever its file is called.
func (d Document) ID(page int) string {
	return uuid.NewSHA1(namespace, []byte(d.SHA256+"/"+strconv.Itoa(page))).String()
}

// Why a file or a page is none. Other errors are of the file system.
var (
	// ErrUnsupported means that a file is neither a PDF nor an image: it is listed and does not count as failed.
	ErrUnsupported = errors.New("neither a PDF nor an image that the server reads (PNG, JPEG, GIF, WebP, BMP, TIFF)")
	// ErrBroken means that a file is damaged, or no file of the kind that it says.
	ErrBroken = errors.New("damaged")
	// ErrEncrypted means that a PDF asks for a password.
	ErrEncrypted = errors.New("needs a password: save it without one, by `qpdf --decrypt --password=...`, and import that")
	// ErrLimit means that a file or a page is larger or takes longer than is allowed.
	ErrLimit = errors.New("over a limit")
	// ErrCrash means that PDFium ran out of its memory or crashed over a page.
	ErrCrash = errors.New("PDFium ran out of its 512 MiB or crashed: print the file to a new PDF and import that")
)
