package vault

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaskPhone shows of a mobile number the first three digits and the last four,
// 138****1234, enough for its owner to know it again and for nobody to call it.
// Of anything that is not eleven digits only the length is shown.
func MaskPhone(phone string) string {
	if len(phone) != 11 || strings.IndexFunc(phone, notDigit) >= 0 {
		return stars(phone)
	}
	return phone[:3] + "****" + phone[7:]
}

// MaskName shows the first character of a name, 张* and 欧***, and of a name of
// one character nothing. A character is a code point with the combining marks
// and variation selectors that follow it, so that rare ones stay whole.
func MaskName(name string) string {
	name = strings.TrimSpace(name)
	first, size := utf8.DecodeRuneInString(name)
	for size < len(name) {
		r, n := utf8.DecodeRuneInString(name[size:])
		if !unicode.Is(unicode.M, r) {
			break
		}
		size += n
	}
	if size == len(name) || first == utf8.RuneError || unicode.Is(unicode.M, first) {
		return stars(name)
	}
	return name[:size] + stars(name[size:])
}

// MaskIdentity shows of an 18-digit identity number the first digit and the last
// character, 3****************4: enough to tell one's own. The six digits of the
// place, the birthday and the digit of the sex stay hidden, and the check
// character is not enough to find them again. Of anything else only the length
// is shown.
func MaskIdentity(number string) string {
	if len(number) != 18 || strings.IndexFunc(number[:17], notDigit) >= 0 || notDigit(rune(number[17])) && number[17] != 'X' && number[17] != 'x' {
		return stars(number)
	}
	return number[:1] + "****************" + number[17:]
}

func notDigit(r rune) bool { return r < '0' || r > '9' }

// stars gives a star for each character.
func stars(s string) string {
	n := 0
	for _, r := range s {
		if !unicode.Is(unicode.M, r) {
			n++
		}
	}
	return strings.Repeat("*", n)
}
