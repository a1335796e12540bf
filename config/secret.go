package config

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted stands wherever a secret would be printed.
const redacted = "[secret]"

// Secret is a value that must not be printed. However it is formatted, logged
// or marshalled, it shows as [secret]; only Reveal gives it. The zero Secret is
// empty.
type Secret struct {
	// A pointer, because fmt calls no methods on unexported fields: a Secret in
	// one then prints as an address and not as the value.
	value *string
}

// NewSecret keeps value from being printed.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{value: &value}
}

// Reveal returns the value, for the one who needs it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsSet reports whether there is a value.
func (s Secret) IsSet() bool { return s.value != nil }

// Equal reports whether both hold the same value. It is for tests, and takes a
// time that depends on the values.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String returns [secret].
func (s Secret) String() string { return redacted }

// Format writes [secret] for every verb.
func (s Secret) Format(f fmt.State, _ rune) {
	// Format cannot return an error; fmt keeps the state's.
	_, _ = io.WriteString(f, redacted)
}

// MarshalJSON returns "[secret]".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns [secret], for YAML and whatever else asks for text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns [secret].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

var (
	_ fmt.Formatter  = Secret{}
	_ slog.LogValuer = Secret{}
)
