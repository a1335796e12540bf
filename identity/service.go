package identity

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hezuo/fault"
	"hezuo/store"
	"hezuo/vault"
)

// Limiter counts events, over all nodes. Allow takes one of the events that a
// key has in each stretch of time, and tells when there is one again if none is
// left. A key is never personal data. An error means that it is not known
// whether the limit is reached; nothing is sent then.
type Limiter interface {
	Allow(ctx context.Context, key string, events int, per time.Duration) (ok bool, retryAfter time.Duration, err error)
}

// Config says what a service works with. DB, Vault, Limiter, Sender and Issuer
// are required.
type Config struct {
	DB      store.DB
	Vault   *vault.Vault
	Limiter Limiter
	Sender  Sender

	// Issuer is the iss of every token, the house's public URL. Changing it
	// invalidates the access tokens that are out, not the sessions.
	Issuer string
	// Audience is the aud of access tokens; empty: "hezuo".
	Audience string
	// AccessFor is the life of an access token; 0: 15 minutes.
	AccessFor time.Duration
	// SessionFor is how long a session lives that is not refreshed; 0: 60 days.
	SessionFor time.Duration
	// CodesPerPhone is how many codes one purpose may send to one phone in an
	// hour; 0: 5.
	CodesPerPhone int
	// CodesPerAddress is how many codes may be asked for from one address in an
	// hour; 0: 60. A village may share an address.
	CodesPerAddress int

	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Rand gives codes, ids and keys and must be safe for many goroutines; nil:
	// crypto/rand.
	Rand io.Reader
	// Logger is told what needs looking at; nil: nobody is.
	Logger *slog.Logger
}

// Service is the room. It is safe for many goroutines, and several nodes may
// run one over the same store.
type Service struct {
	cfg      Config
	people   *store.Collection[Person]
	sessions *store.Collection[session]
	codes    *store.Collection[codeDoc]
	tickets  *store.Collection[ticketDoc]
	keys     *store.Collection[ringDoc]

	loading sync.Mutex // held while the ring is read from the store
	ring    atomic.Pointer[ring]
}

// New opens the room, and at the very first start makes the key that access
// tokens are signed with. Errors: those of the store and of the vault.
func New(ctx context.Context, cfg Config) (*Service, error) {
	if cfg.DB == nil || cfg.Vault == nil || cfg.Limiter == nil || cfg.Sender == nil || cfg.Issuer == "" {
		return nil, fault.New(fault.Internal, "identity needs a store, a vault, a limiter, a sender and an issuer")
	}
	s := &Service{cfg: withDefaults(cfg)}
	var err error
	if s.people, err = store.Open(ctx, cfg.DB, peopleSpec()); err != nil {
		return nil, err
	}
	if s.sessions, err = store.Open(ctx, cfg.DB, sessionSpec()); err != nil {
		return nil, err
	}
	if s.codes, err = store.Open(ctx, cfg.DB, codeSpec()); err != nil {
		return nil, err
	}
	if s.tickets, err = store.Open(ctx, cfg.DB, ticketSpec()); err != nil {
		return nil, err
	}
	if s.keys, err = store.Open(ctx, cfg.DB, store.Spec[ringDoc]{Name: "token_keys"}); err != nil {
		return nil, err
	}
	if err := s.firstKey(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

func withDefaults(cfg Config) Config {
	if cfg.Audience == "" {
		cfg.Audience = "hezuo"
	}
	if cfg.AccessFor <= 0 {
		cfg.AccessFor = 15 * time.Minute
	}
	if cfg.SessionFor <= 0 {
		cfg.SessionFor = 60 * 24 * time.Hour
	}
	if cfg.CodesPerPhone <= 0 {
		cfg.CodesPerPhone = 5
	}
	if cfg.CodesPerAddress <= 0 {
		cfg.CodesPerAddress = 60
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// Collections gives the room's collections, for [store.CheckTrails].
func (s *Service) Collections() []store.Checked {
	return []store.Checked{s.people, s.sessions, s.codes, s.tickets, s.keys}
}

// ids are written in lower-case base32, 100 bits in 20 characters.
var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newID makes an id that nobody can guess.
func (s *Service) newID(prefix string) (string, error) {
	b, err := s.random(13)
	if err != nil {
		return "", err
	}
	return prefix + idEncoding.EncodeToString(b)[:20], nil
}

func (s *Service) random(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.cfg.Rand, b); err != nil {
		return nil, fault.New(fault.Internal, "no randomness").Wrap(err)
	}
	return b, nil
}
