package agreement

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/gowebpki/jcs"
)

// The largest that is read, in bytes. The longest terms come to some 15 KiB.
const (
	maxFile     = 512 << 10
	maxContract = 128 << 10
	maxHeader   = 2 << 10
)

// canonical gives a value's canonical JSON (RFC 8785).
func canonical(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("canonical form: %w", err)
	}
	c, err := jcs.Transform(b)
	if err != nil {
		return nil, fmt.Errorf("canonical form: %w", err)
	}
	return c, nil
}

// decode reads a value from its canonical JSON and from nothing else: unknown,
// missing and duplicate fields, other spellings of names, numbers and strings,
// white space and trailing data are all refused, because encoding what was read
// must give the very same bytes.
func decode[T any](data []byte, most int) (T, error) {
	var v, none T
	if len(data) > most {
		return none, flaw("内容过大", "it is too large")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return none, flaw("不是所要求的JSON结构", "it is not JSON of the required structure")
	}
	again, err := canonical(v)
	if err != nil || !bytes.Equal(again, data) {
		return none, flaw("不是规范形式（RFC 8785）：字节与重新编码的结果不同", "it is not in canonical form (RFC 8785): encoding it again gives other bytes")
	}
	return v, nil
}

// b64 gives base64url without padding.
func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// unb64 reads base64url in its one form: the decoder alone would skip line breaks
// and so accept several.
func unb64(s string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || b64(b) != s {
		return nil, flaw("不是无填充的base64url", "it is not base64url without padding")
	}
	return b, nil
}

// sum gives the hex SHA-256.
func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// isHex reports whether s is so many lower-case hexadecimal digits.
func isHex(s string, digits int) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(s) == digits && hex.EncodeToString(b) == s
}

// Flaw says in words what is wrong with a contract, a signature or a file. It
// holds no personal data.
type Flaw struct{ Zh, En string }

// Error gives the English words.
func (f *Flaw) Error() string { return f.En }

func flaw(zh, en string) *Flaw { return &Flaw{zh, en} }
