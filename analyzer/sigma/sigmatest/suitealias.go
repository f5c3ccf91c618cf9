package sigmatest

// known is an event's field with a value and aliases.
type known struct {
	value   string
	aliases []string
}

// also is the value of a field that goes by aliases as well.
func also(value string, aliases ...string) known { return known{value, aliases} }

// aliases are about fields that go by several values, of which some count for a match alone. Image is one that can have them.
func (s *suite) aliases() {
	f := s.match
	dash := also("/usr/bin/dash", "/bin/sh", "/opt/x.sh")

	f("Image|endswith: /sh", true, "Image", dash)
	f("Image: /opt/x.sh", true, "Image", dash)
	f("Image|endswith: /dash", true, "Image", dash)
	f("Image|endswith: /bash", false, "Image", dash)
	f("Image|re: 'x\\.sh$'", true, "Image", dash)
	f("Image|contains|all: [/usr/, x.sh]", true, "Image", dash)
	f("Image|contains|all: [/usr/, y.sh]", false, "Image", dash)
	f("Image|startswith: /usr/\nImage|endswith: .sh", true, "Image", dash)
	f("Image|cased: /OPT/x.sh", false, "Image", dash)

	// Under a not the value counts alone.
	f("a:\n  X: y\nf:\n  Image: /opt/x.sh\ncondition: a and not f", true, "X", "y", "Image", dash)
	f("a:\n  X: y\nf:\n  Image: /usr/bin/dash\ncondition: a and not f", false, "X", "y", "Image", dash)
	f("a:\n  X: y\nf:\n  Image|re: sh$\ncondition: a and not f", false, "X", "y", "Image", dash)
	f("a:\n  X: y\nf:\n  Image|re: x\ncondition: a and not f", true, "X", "y", "Image", dash)
	f("a:\n  X: y\nf1:\n  Image: /opt/x.sh\nf2:\n  Image: /bin/sh\ncondition: a and not 1 of f*", true, "X", "y", "Image", dash)
	f("a:\n  X: y\nf1:\n  Image: /opt/x.sh\nf2:\n  Image: /bin/sh\ncondition: a and not all of f*", true, "X", "y", "Image", dash)
	f("f1:\n  Image: /opt/x.sh\nf2:\n  Image: /bin/sh\ncondition: 1 of f*", true, "Image", dash)
	f("f1:\n  Image: /opt/x.sh\nf2:\n  Image: /bin/sh\ncondition: all of f*", true, "Image", dash)
	f("a:\n  X: y\nf:\n  Image|endswith: [/a, /b, /c, /d, /sh, /x.sh]\ncondition: a and not f", true, "X", "y", "Image", dash)
	f("a:\n  X: y\nf:\n  Image|endswith: [/a, /b, /c, /d, /sh, /x.sh, /dash]\ncondition: a and not f", false, "X", "y", "Image", dash)

	// Each further not turns that around, wherever it stands.
	f("a:\n  Image: /bin/sh\ncondition: not (not a)", true, "Image", dash)
	f("a:\n  Image: /bin/sh\ncondition: not (not (not a))", true, "Image", dash)
	f("a:\n  Image: /usr/bin/dash\ncondition: not (not (not a))", false, "Image", dash)
	f("a:\n  X: y\nf:\n  X: y\ng:\n  Image: /bin/sh\ncondition: a and not (f and not g)", true, "X", "y", "Image", dash)
	f("a:\n  X: y\nf:\n  X: y\ng:\n  Image: /bin/no\ncondition: a and not (f and not g)", false, "X", "y", "Image", dash)
	f("Image|neq: /bin/sh", true, "Image", dash)
	f("Image|neq: /usr/bin/dash", false, "Image", dash)
	f("a:\n  Image|neq: /bin/sh\ncondition: not a", true, "Image", dash)
	f("a:\n  Image|neq: /bin/no\ncondition: not a", false, "Image", dash)
	f("a:\n  Image|endswith|neq: [/bash, /x.sh]\ncondition: a", true, "Image", dash)

	// One selection can stand in both places.
	f("a:\n  Image: /bin/sh\nb:\n  X: y\ncondition: a and not (a and b)", true, "X", "y", "Image", dash)
	f("a:\n  Image: /usr/bin/dash\nb:\n  X: y\ncondition: a and not (a and b)", false, "X", "y", "Image", dash)
	f("a:\n  Image: /bin/sh\ncondition: a and not a", true, "Image", dash)
	f("a:\n  Image: /usr/bin/dash\ncondition: a or not a", true, "Image", dash)

	// Whether a field is there, and empty, is seen by its value.
	f("Image: null", false, "Image", dash)
	f("Image: null", true, "Image", also("", "/bin/sh"))
	f("Image: null", false, "Image", also("/bin/sh", ""))
	f("Image: ''", true, "Image", also("/bin/sh", ""))
	f("Image|exists: true", true, "Image", dash)
	f("Image|exists: false", false, "Image", dash)
	f("Image|exists: true\nImage: /bin/sh", true, "Image", dash)
	f("a:\n  Image: null\ncondition: not a", true, "Image", dash)
	f("a:\n  Image|exists: true\ncondition: not a", false, "Image", dash)

	// A reference to another field takes both as the item that it stands in is taken.
	f("Image|fieldref: ParentImage", true, "Image", dash, "ParentImage", also("/x", "/opt/x.sh"))
	f("Image|fieldref: ParentImage", false, "Image", dash, "ParentImage", also("/x", "/y"))
	f("Image|fieldref: X", true, "Image", dash, "X", "/bin/sh")
	f("X|fieldref: Image", true, "Image", dash, "X", "/bin/sh")
	f("a:\n  Image|fieldref: X\ncondition: not a", true, "Image", dash, "X", "/bin/sh")
	f("a:\n  X|fieldref: Image\ncondition: not a", true, "Image", dash, "X", "/bin/sh")
	f("a:\n  X|fieldref: Image\ncondition: not a", false, "Image", dash, "X", "/usr/bin/dash")
	f("X|fieldref|neq: Image", true, "Image", dash, "X", "/bin/sh")
	f("Image|fieldref|endswith: X", true, "Image", dash, "X", "x.sh")

	// Keywords look at no aliases.
	f("- x.sh", false, "Image", dash)
	f("- dash", true, "Image", dash)
}
