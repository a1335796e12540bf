package vault

import (
	"context"

	"hezuo/fault"
)

// KMS wraps data keys with a master key that the store never sees. It is safe
// for many goroutines.
type KMS interface {
	// KeyID names the master key that Wrap uses, and reveals nothing of it. It
	// stays the same for the KMS's life.
	KeyID() string
	// Wrap encrypts a data key and binds it to aad. It keeps no reference to
	// dataKey, which the caller clears. Errors: a [fault.Unavailable] fault when
	// the service does not answer.
	Wrap(ctx context.Context, dataKey, aad []byte) ([]byte, error)
	// Unwrap decrypts what the master key named keyID wrapped with the same aad,
	// into a slice that is the caller's to clear. Errors: [ErrNoMasterKey],
	// [ErrNotWrapped], a [fault.Unavailable] fault when the service does not
	// answer.
	Unwrap(ctx context.Context, keyID string, wrapped, aad []byte) ([]byte, error)
}

// The errors of a KMS. Compare with errors.Is.
var (
	// ErrNoMasterKey says that the KMS does not hold the master key asked for.
	ErrNoMasterKey = fault.New(fault.Unavailable, "the master key that wraps this key is not at hand").
			WithFix("give that master key, as an older one if it was replaced")
	// ErrNotWrapped says that the bytes are not what the master key wrapped for
	// this place.
	ErrNotWrapped = fault.New(fault.Internal, "a wrapped key was changed, or belongs elsewhere")
)
