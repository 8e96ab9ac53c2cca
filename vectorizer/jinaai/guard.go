package jinaai

import (
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net/http"
	"strings"
)

// guarded lets only requests through that have the method and the key.
func (h *Handler) guarded(method string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != method:
			w.Header().Set("Allow", method)
			h.fail(w, r, refuse(http.StatusMethodNotAllowed, "%s takes %s", r.URL.Path, method))
		case !h.admits(r.Header.Get("Authorization")):
			w.Header().Set("WWW-Authenticate", "Bearer")
			h.fail(w, r, refuse(http.StatusUnauthorized, "the key is missing or wrong: Weaviate sends its JINAAI_APIKEY, "+
				"or the header X-Jinaai-Api-Key of the client; it must be this server's COLPALI_EMBED_KEY"))
		default:
			next(w, r)
		}
	}
}

// admits compares hashes, so that the time says nothing of the key, not even how long it is.
func (h *Handler) admits(authorization string) bool {
	if h.options.Key == "" {
		return true
	}
	given := sha256.Sum256([]byte(strings.TrimPrefix(authorization, "Bearer ")))
	key := sha256.Sum256([]byte(h.options.Key))
	return subtle.ConstantTimeCompare(given[:], key[:]) == 1
}

// measure refuses bodies that say the wrong thing of themselves, before they are read. A web page in somebody's
// browser cannot send application/json to another origin than its own without asking.
func (h *Handler) measure(r *http.Request) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || kind != "application/json":
		return refuse(http.StatusUnsupportedMediaType, "the Content-Type must be application/json")
	case r.ContentLength < 0:
		return refuse(http.StatusLengthRequired, "the request must have a Content-Length")
	case r.ContentLength > h.maxBody:
		return refuse(http.StatusRequestEntityTooLarge, "the request has %d bytes, the limit is %d: send fewer or smaller images, "+
			"or raise COLPALI_MAX_IMAGE_BYTES", r.ContentLength, h.maxBody)
	}
	return nil
}
