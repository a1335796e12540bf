package store

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// idEncoding is lower-case base32 without padding: short, and safe in a URL, a
// file name and on the phone.
var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// DeriveID gives the id that follows from the parts, such as a person and their
// idempotency key: a repeat of what they name cannot make a second document. The
// parts cannot be found from it.
func DeriveID(prefix string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return prefix + idEncoding.EncodeToString(sum[:15])
}
