package agreement

import (
	"time"

	"hezuo/matching"
)

const (
	algorithm  = "ES256"
	headerType = "hezuo-agreement+jws"
)

// How far the time shown may be from the time at which the house received the
// signature: a person reads before signing, and a device's clock may be ahead.
const (
	ShownBefore = 15 * time.Minute
	ShownAfter  = 2 * time.Minute
)

// Header is the protected header of a person's signature (RFC 7515). It is
// canonical JSON of exactly these fields, so that "crit", "b64", "jwk" and whatever
// else a library may act on is refused.
type Header struct {
	Algorithm string        `json:"alg"`
	Key       string        `json:"kid"`    // thumbprint of the device key
	Party     string        `json:"party"`  // for whom
	Role      matching.Role `json:"role"`   // on which side
	Shown     string        `json:"shown"`  // RFC 3339: when the contract was shown to the signer
	Signer    string        `json:"signer"` // person id
	Type      string        `json:"typ"`
}

// parseHeader reads a protected header as a JWS carries it.
func parseHeader(protected string) (Header, error) {
	b, err := unb64(protected)
	if err != nil {
		return Header{}, err
	}
	h, err := decode[Header](b, maxHeader)
	if err != nil {
		return Header{}, err
	}
	switch {
	case h.Algorithm != algorithm || h.Type != headerType:
		return Header{}, flaw("签名头的算法或类型不对", "the header's alg or typ is not "+algorithm+" and "+headerType)
	case h.Role != matching.Employer && h.Role != matching.Owner:
		return Header{}, flaw("签名头的角色不是用工主体或队伍所有方", "the header's role is neither employer nor owner")
	case h.Key == "" || h.Party == "" || h.Signer == "":
		return Header{}, flaw("签名头缺少密钥、签名人或当事方", "the header lacks kid, signer or party")
	}
	if _, err := h.shown(); err != nil {
		return Header{}, err
	}
	return h, nil
}

// shown gives the time shown.
func (h *Header) shown() (time.Time, error) {
	var t time.Time
	if err := t.UnmarshalText([]byte(h.Shown)); err != nil { // stricter than time.Parse
		return t, flaw("签名头的展示时间不是RFC 3339时间", "the header's shown is no time of RFC 3339")
	}
	return t, nil
}

// shownAt refuses a time shown that does not go with the time at which the
// signature was received.
func (h *Header) shownAt(received time.Time) error {
	shown, err := h.shown()
	if err != nil {
		return err
	}
	if shown.Before(received.Add(-ShownBefore)) || shown.After(received.Add(ShownAfter)) {
		return flaw("展示协议的时间与收到签名的时间不相称", "the time at which the contract was shown does not go with the time at which the signature was received")
	}
	return nil
}

// signingInput is what a JWS signature is over (RFC 7515, 5.1).
func signingInput(protected, payload string) []byte { return []byte(protected + "." + payload) }
