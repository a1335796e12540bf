package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"time"

	"hezuo/fault"
	"hezuo/store"
)

// The errors of the vault. Compare with errors.Is.
var (
	// ErrDestroyed says that the owner's key was destroyed.
	ErrDestroyed = fault.New(fault.Gone, "these personal data were deleted")
	// ErrBroken says that a sealed value is not of this owner and field, or was
	// changed.
	ErrBroken = fault.New(fault.Internal, "a sealed value does not belong here, or was changed")
)

// MaxCacheFor is how long an opened data key may stay in memory, and so how long
// another node may go on using a key that was destroyed.
const MaxCacheFor = time.Minute

// Config says what a vault works with. DB and KMS are required.
type Config struct {
	DB  store.DB
	KMS KMS
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Rand gives the bytes of new keys and must be safe for many goroutines;
	// nil: crypto/rand. Nonces never come from it: a repeated nonce would give a
	// key away.
	Rand io.Reader
	// Node names this process in the audit trail of the keys it makes.
	Node string
	// CacheFor is how long an opened data key stays in memory; 0, and anything
	// above [MaxCacheFor]: [MaxCacheFor].
	CacheFor time.Duration
	// CacheSize is how many opened data keys stay in memory; 0: 8192.
	CacheSize int
}

// Vault seals, opens, finds and destroys. It is safe for many goroutines.
type Vault struct {
	keys  *store.Collection[keyDoc] // by owner
	house *store.Collection[keyDoc] // the house's own keys
	kms   KMS
	now   func() time.Time
	rand  io.Reader
	node  string
	cache *cache
	// mac is a function, not a field of bytes, so that no printing of a Vault
	// can print the key.
	mac func(kind, value string) string
}

// New opens the vault of a store. At the very first start it makes the key of
// the hashes. Errors: an [fault.Unavailable] fault when the KMS does not open
// that key, or when it is missing although the store holds people's keys: a
// second one is never made, for nobody could be found by the first any more.
func New(ctx context.Context, cfg Config) (*Vault, error) {
	if cfg.DB == nil || cfg.KMS == nil {
		return nil, fault.New(fault.Internal, "a vault needs a store and a KMS")
	}
	v := &Vault{kms: cfg.KMS, now: cfg.Now, rand: cfg.Rand, node: cfg.Node}
	if v.now == nil {
		v.now = time.Now
	}
	if v.rand == nil {
		v.rand = rand.Reader
	}
	life := cfg.CacheFor
	if life <= 0 || life > MaxCacheFor {
		life = MaxCacheFor
	}
	size := cfg.CacheSize
	if size <= 0 {
		size = 8192
	}
	v.cache = newCache(size, life)
	var err error
	if v.keys, err = store.Open(ctx, cfg.DB, store.Spec[keyDoc]{Name: "vault_keys"}); err != nil {
		return nil, err
	}
	if v.house, err = store.Open(ctx, cfg.DB, store.Spec[keyDoc]{Name: "vault_house"}); err != nil {
		return nil, err
	}
	if err := v.openHashKey(ctx); err != nil {
		return nil, err
	}
	return v, nil
}

// Collections gives the vault's collections, for [store.CheckTrails].
func (v *Vault) Collections() []store.Checked { return []store.Checked{v.keys, v.house} }

// Seal encrypts a value for one field of one owner, a person or a party, with
// AES-256-GCM under the owner's own key, which is made at first use. The owner
// and the field are bound to it: it opens nowhere else. Between two values of the
// same owner and field it cannot tell, so name the field down to the one thing
// ("message/ROOM/ID"), never by what it holds. An empty plaintext gives an empty
// Sealed and makes no key. The length of the plaintext is not hidden.
//
// Errors: [ErrDestroyed], [store.ErrUnknown] (repeat), those of the store and of
// the KMS.
func (v *Vault) Seal(ctx context.Context, owner, field, plaintext string) (Sealed, error) {
	if err := checkPlace(owner, field); err != nil || plaintext == "" {
		return "", err
	}
	aead, err := v.findKey(ctx, owner)
	if errors.Is(err, store.ErrNotFound) {
		aead, err = v.makeKey(ctx, owner)
	}
	if err != nil {
		return "", err
	}
	return seal(aead, owner, field, plaintext), nil
}

// Open decrypts for the house's own needs: sending an SMS, showing people their
// own data, a talk's message to its members. Nobody else is shown what it gives:
// for that there is [Vault.Reveal]. An empty Sealed gives an empty string.
//
// Errors: [ErrDestroyed]; [ErrBroken]; those of the store and of the KMS.
func (v *Vault) Open(ctx context.Context, owner, field string, s Sealed) (string, error) {
	if err := checkPlace(owner, field); err != nil || s == "" {
		return "", err
	}
	aead, err := v.findKey(ctx, owner)
	if errors.Is(err, store.ErrNotFound) {
		return "", fault.New(fault.Internal, "a sealed value whose owner has no key").Wrap(err)
	}
	if err != nil {
		return "", err
	}
	return open(aead, owner, field, s)
}

// checkPlace refuses an owner or field without a name: a defect of the caller.
func checkPlace(owner, field string) error {
	if owner == "" || field == "" {
		return fault.New(fault.Internal, "a sealed value needs an owner and a field")
	}
	return nil
}
