package identity

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"hezuo/fault"
	"hezuo/store"
)

// claims are those of an access token and of a ticket.
type claims struct {
	jwt.RegisteredClaims
	Session string `json:"sid"`
	Roles   []Role `json:"roles,omitempty"`
}

// errToken is the one answer to a token that is forged, foreign, over or revoked.
var errToken = fault.New(fault.Unauthenticated, "the token is not valid, or no longer").WithFix("refresh it, or sign in again")

func (s *Service) accessToken(ctx context.Context, at time.Time, p Principal) (string, time.Time, error) {
	return s.sign(ctx, at, s.cfg.AccessFor, claims{
		RegisteredClaims: jwt.RegisteredClaims{Subject: p.Person, Audience: jwt.ClaimStrings{s.cfg.Audience}},
		Session:          p.Session, Roles: p.Roles,
	})
}

// sign completes and signs a token. Instants in it are whole seconds.
func (s *Service) sign(ctx context.Context, at time.Time, life time.Duration, c claims) (string, time.Time, error) {
	key, err := s.signingKey(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	at = at.UTC().Truncate(time.Second)
	expires := at.Add(life)
	c.Issuer, c.IssuedAt, c.ExpiresAt = s.cfg.Issuer, jwt.NewNumericDate(at), jwt.NewNumericDate(expires)
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	t.Header["kid"] = key.id
	text, err := t.SignedString(key.private)
	if err != nil {
		return "", time.Time{}, fault.New(fault.Internal, "a token could not be signed").Wrap(err)
	}
	return text, expires, nil
}

// verify checks a token's signature, issuer, audience and end. Errors: errToken,
// and what kept the keys from being read.
func (s *Service) verify(ctx context.Context, text, audience string) (claims, error) {
	var c claims
	var failed error // to read the keys, which says nothing about the token
	_, err := jwt.ParseWithClaims(text, &c, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		var key ed25519.PublicKey
		if key, failed = s.verifyingKey(ctx, kid); failed != nil {
			return nil, failed
		}
		if key == nil {
			return nil, errToken
		}
		return key, nil
	},
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithIssuer(s.cfg.Issuer),
		jwt.WithAudience(audience),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(s.cfg.Now),
		jwt.WithStrictDecoding(),
	)
	if failed != nil {
		return claims{}, failed
	}
	if err != nil {
		return claims{}, errToken.Wrap(err)
	}
	return c, nil
}

// Authenticate tells who holds an access token: the token must verify and its
// session be good now. A role counts if the token names it and the person has it
// still, so that taking one away works at once.
//
// Errors: an [fault.Unauthenticated] fault; those of the store.
func (s *Service) Authenticate(ctx context.Context, accessToken string) (Principal, error) {
	c, err := s.verify(ctx, accessToken, s.cfg.Audience)
	if err != nil {
		return Principal{}, err
	}
	return s.principal(ctx, c)
}

// principal checks a token's session and roles against the store: one read, and
// one more for those who have roles.
func (s *Service) principal(ctx context.Context, c claims) (Principal, error) {
	it, err := s.sessions.Get(ctx, c.Session)
	if errors.Is(err, store.ErrNotFound) {
		return Principal{}, errToken
	}
	if err != nil {
		return Principal{}, err
	}
	if it.Doc.Person != c.Subject || it.Doc.over(s.cfg.Now()) {
		return Principal{}, errToken
	}
	p := Principal{Person: c.Subject, Session: c.Session}
	if len(c.Roles) == 0 {
		return p, nil
	}
	person, err := s.Get(ctx, c.Subject)
	if err != nil {
		return Principal{}, err
	}
	p.Roles = slices.DeleteFunc(slices.Clone(c.Roles), func(r Role) bool { return !person.Has(r) })
	return p, nil
}
