package main

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

// policy lets the page use its own scripts, styles and answers, and nothing else; blob: is what the page makes of
// pictures that it has fetched.
var policy = strings.Join([]string{
	"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob:", "connect-src 'self'",
	"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
}, "; ")

// guarded keeps other sites from using the page, which has the user's key behind it. A site whose name resolves to
// loopback is refused by its Host (DNS rebinding), one that lets a browser send requests here by what the browser
// says of where they come from (CSRF), and one that would show the page inside its own by the policy.
func guarded(address string, next http.Handler) http.Handler {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		panic(err) // it is the address of a listener
	}
	own := []string{"127.0.0.1:" + port, "localhost:" + port}
	crossOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Security-Policy":      policy,
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control":                "no-store",
			"Referrer-Policy":              "no-referrer",
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
		} {
			w.Header().Set(name, value)
		}
		if !slices.Contains(own, r.Host) {
			http.Error(w, fmt.Sprintf("This page answers to http://%s only.", own[0]), http.StatusMisdirectedRequest)
			return
		}
		if err := crossOrigin.Check(r); err != nil {
			http.Error(w, "Another site may not ask here.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
