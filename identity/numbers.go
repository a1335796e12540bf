package identity

import (
	"strings"
	"time"
	"unicode"

	"hezuo/fault"
)

// The errors of this file are constant sentences: no part of a number can get
// into one, and so into a log.

// NormaliseIdentityNumber brings what a person typed or pasted to the form
// that [ValidateIdentityNumber] accepts: half width, a capital X, without
// spaces and invisible marks.
func NormaliseIdentityNumber(s string) string {
	return strings.ToUpper(Narrow(s))
}

// ValidateIdentityNumber checks an 18-digit citizen identity number against
// GB 11643-1999: its form, that the date of birth exists, and the check
// character. It knows no clock, so a date to come passes: whoever asks for the
// age compares it with today. The error is a fault on the field
// identity_number and holds nothing of the number.
func ValidateIdentityNumber(s string) error {
	if len(s) != 18 {
		return identityFault("The identity number does not have 18 characters.",
			"Copy all 18 from the identity card; the old numbers of 15 digits are no longer valid.")
	}
	sum := 0
	for i := range 17 {
		if s[i] < '0' || '9' < s[i] {
			return identityFault("The identity number has a character other than a digit among its first 17.",
				"Write digits only, half width; the last character alone may be X.")
		}
		// The weight of the character at i is 2^(17-i) mod 11.
		sum += int(s[i]-'0') * ((1 << (17 - i)) % 11)
	}
	// Not time.Parse's own error: it quotes the date.
	born, err := time.Parse("20060102", s[6:14])
	if err != nil || born.Year() < 1800 {
		return identityFault("The identity number's date of birth, characters 7 to 14, does not exist.",
			"Compare the year, month and day with the identity card.")
	}
	if s[17] != "10X98765432"[sum%11] {
		return identityFault("The identity number's last character does not fit the 17 before it, so at least one character is wrong.",
			"Compare all 18 with the identity card; a last x is a capital X.")
	}
	return nil
}

func identityFault(message, fix string) error {
	return fault.Field("identity_number", message, fix)
}

// NormalisePhone brings a mobile number as people write it to the form that
// [ValidatePhone] accepts: eleven half-width digits, without spaces, dashes
// and the prefix of the mainland (+86, 0086 or 86). What is no mobile number
// stays none.
func NormalisePhone(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Pd, r) {
			return -1
		}
		return r
	}, Narrow(s))
	for _, prefix := range []string{"+86", "0086", "86"} {
		// Only where a whole number is left: 86 may also be the beginning
		// of something that is no mobile number.
		if rest, ok := strings.CutPrefix(s, prefix); ok && len(rest) == 11 {
			return rest
		}
	}
	return s
}

// ValidatePhone checks a mainland mobile number: eleven digits, of which the
// first is 1 and the second 3 to 9. The error is a fault on the field phone
// and holds nothing of the number.
func ValidatePhone(s string) error {
	ok := len(s) == 11 && s[0] == '1' && '3' <= s[1]
	for i := range len(s) {
		ok = ok && '0' <= s[i] && s[i] <= '9'
	}
	if !ok {
		return fault.Field("phone", "The phone number is not a mobile number of the mainland.",
			"Give eleven digits that begin with 13 to 19.")
	}
	return nil
}

// Narrow returns s with full-width forms made half-width, and without
// spaces and invisible format marks: Chinese keyboards type the former, and
// copying from a phone's contacts adds the latter.
func Narrow(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case '！' <= r && r <= '～': // as far from their half-width forms as '！' from '!'
			return r - '！' + '!'
		case unicode.IsSpace(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
}
