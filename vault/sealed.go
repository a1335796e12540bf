package vault

import (
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Sealed is an encrypted value as documents carry it: "v1." and the base64url of
// nonce, ciphertext and tag; empty where there is nothing. It is for the store
// alone: printing it, or logging it as a value or within a struct by a text
// handler, gives [sealed]. encoding/json writes it in full, for the store needs
// it, and so does a JSON log handler that is given a whole struct: never give it
// one.
type Sealed string

var (
	_ fmt.Formatter  = Sealed("")
	_ fmt.Stringer   = Sealed("")
	_ slog.LogValuer = Sealed("")
)

// version begins every value sealed in this form.
const version = "v1."

// encoding is strict; parse refuses what is left of its leniency.
var encoding = base64.RawURLEncoding.Strict()

// String gives [sealed], or nothing for nothing.
func (s Sealed) String() string {
	if s == "" {
		return ""
	}
	return "[sealed]"
}

// Format prints String, whatever the verb.
func (s Sealed) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue gives String.
func (s Sealed) LogValue() slog.Value { return slog.StringValue(s.String()) }

// parse gives nonce, ciphertext and tag.
func (s Sealed) parse() ([]byte, error) {
	text, ok := strings.CutPrefix(string(s), version)
	// base64 skips line breaks: with them one value would have many forms.
	if !ok || strings.ContainsAny(text, "\r\n") {
		return nil, ErrBroken
	}
	b, err := encoding.DecodeString(text)
	if err != nil {
		return nil, ErrBroken
	}
	return b, nil
}

// seal encrypts a value for its place.
func seal(aead cipher.AEAD, owner, field, plaintext string) Sealed {
	b := aead.Seal(nil, nil, []byte(plaintext), bind(version, owner, field))
	return Sealed(version + encoding.EncodeToString(b))
}

// open decrypts a value at its place.
func open(aead cipher.AEAD, owner, field string, s Sealed) (string, error) {
	b, err := s.parse()
	if err != nil {
		return "", err
	}
	plaintext, err := aead.Open(b[:0], nil, b, bind(version, owner, field))
	if err != nil {
		return "", ErrBroken
	}
	return string(plaintext), nil
}

// bind joins parts so that no other parts give the same bytes: each has its
// length before it.
func bind(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}
