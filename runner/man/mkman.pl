#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Makes the pages of section 3 from the public headers, so that what a page says is
# what the header says:
#
#   mkman.pl OUTDIR HEADER...
#
# The file 'pages' beside this one names the functions of each page, and the types of it
# that stand in a header without these functions. A function or a type that it does not
# name, or that no header has, is an error. libgh-runner.3.in is the page about all of
# them; its example is a program that is tested.

use strict;
use warnings;
use Text::Tabs;

my ($out, @headers) = @ARGV;
my $here = $0 =~ s{/[^/]*$}{}r;
my $pages_file = "$here/pages";
my (%page_of, %page_of_type, @pages, $date);
my %functions;

# What the top of gh-runner.h says of all functions.
my $returns = <<'END';
.SH RETURN VALUE
Where nothing else is said, functions of type int return 0 or a negative error
number, and
.BR gh_runner_last_error (3)
tells more.
END
my $rest = <<'END';
.SH THREADS
A runner belongs to the thread that created it, its own; a call is made there where nothing
else is said.
.SH SEE ALSO
.BR libgh\-runner (3)
END

# ---- the list of pages -----------------------------------------------------------

sub read_pages {
	open(my $f, '<', $pages_file) or die "$pages_file: $!\n";
	while (my $line = <$f>) {
		next if $line =~ /^\s*(#|$)/;
		chomp $line;
		my ($names, $title) = split(/:\s*/, $line, 2);
		if ($names eq 'date') {
			$date = $title;
			next;
		}
		if ($names =~ s/^types //) {
			my $page = $page_of{$names} or die "$pages_file: there is no page $names\n";
			$page_of_type{$_} = $page for split(' ', $title);
			next;
		}
		my $page = { names => [split(' ', $names)], title => $title, types => [], intro => [] };
		$page_of{$_} = $page for @{$page->{names}};
		push @pages, $page;
	}
}

# ---- a header: comments, and what stands behind them --------------------------------

# A comment without its stars, tabs as they are.
sub comment_text {
	my ($raw) = @_;

	$raw =~ s{^\s*/\*+ ?}{};
	$raw =~ s{\s*\*/\s*$}{};
	$raw =~ s{\n \* ?}{\n}g;
	$raw =~ s{^\n+}{};
	return $raw;
}

sub take_type {
	my ($h, $text, $comment) = @_;
	my ($name) = $text =~ /^\w+ (\w+)/;
	my $page = delete $page_of_type{$name};
	my $type = { text => $text, comment => $comment };

	# Others belong to the function behind them.
	push @{$page ? $page->{types} : $h->{types}}, $type;
}

sub take_function {
	my ($h, $text, $comment) = @_;
	my ($name) = $text =~ /(\w+)[(;]/;

	$functions{$name} = { text => $text, comment => $comment, header => $h->{include} };
	my $page = $page_of{$name} or die "$h->{path}: $pages_file has no page for $name()\n";
	push @{$page->{types}}, @{$h->{types}};
	push @{$page->{intro}}, @{$h->{intro}};
	$page->{about} = $h->{about} if $h->{include} ne 'gh-runner/gh-runner.h';
	$h->{types} = [];
	$h->{intro} = [];
}

sub read_header {
	my ($path) = @_;
	my ($include) = $path =~ m{(gh-runner/[^/]+)$};
	my $h = { path => $path, include => $include, types => [], intro => [] };
	my $comment;

	my $s = slurp($path);
	$s =~ s{^/\* SPDX[^\n]*\n}{};
	while (length $s) {
		if ($s =~ s{^(/\*.*?\*/)[ \t]*\n}{}s) {
			my $raw = $1;
			# A comment with nothing behind it is about all that follows.
			if (defined $comment) {
				push @{$h->{intro}}, $comment if $comment !~ /^---- /;
			}
			$comment = comment_text($raw);
			if (!defined $h->{about}) {
				$h->{about} = $comment;
				$comment = undef;
			}
		} elsif ($s =~ s!^((?:struct|enum) \w+ [{].*?\n[}];)\n!!s) {
			take_type($h, $1, $comment);
			$comment = undef;
		} elsif ($s =~ s{^(extern const struct gh_device_ops \w+;)\n}{}) {
			take_function($h, $1, $comment);
			$comment = undef;
		} elsif ($s =~ s#^((?!static|extern|struct \w+;|typedef)[a-z][^;{]*\([^;{]*\);)(?:[ \t]*/\* (\N*) \*/)?\n##s) {
			# A comment may stand behind it, too.
			take_function($h, $1, $2 // $comment);
			$comment = undef;
		} elsif ($s =~ s{^#[^\n]*\\\n}{}) {
			$s =~ s{^[^\n]*\n}{};
		} elsif ($s =~ s{^\n}{}) {
			push @{$h->{intro}}, $comment if defined $comment && $comment !~ /^---- /;
			$comment = undef;
		} else {
			$s =~ s{^[^\n]*\n?}{};
		}
	}
	die "$path: $pages_file has no page for $_->{text}\n" for @{$h->{types}};
}

# ---- roff ---------------------------------------------------------------------------

sub escape {
	my ($s) = @_;

	$s =~ s/\\/\\e/g;
	$s =~ s/-/\\-/g;
	return $s;
}

sub line {
	my ($s) = @_;

	$s =~ s/^([.'])/\\&$1/;
	return "$s\n";
}

# Running text: names in their fonts, a line for each sentence.
sub prose {
	my ($s) = @_;

	$s =~ s/\s+/ /g;
	$s =~ s/^ | $//g;
	$s = escape($s);
	$s =~ s/\@(\w+)/\\fI$1\\fP/g;
	$s =~ s/\b(gh_\w+)\(\)/exists $functions{$1} ? "\\fB$1\\fP(3)" : "\\fB$1\\fP()"/ge;
	$s =~ s/\\-(E[A-Z0-9]+)\b/\\fB\\-$1\\fP/g;
	$s =~ s/(?<![\\\w])([A-Z]\w*_\w+)\b/\\fB$1\\fP/g;
	return join('', map { line($_) } split(/(?<=[.:]) (?=[A-Z\@\\])/, $s));
}

# Indented lines of a comment are a table.
sub text_blocks {
	my ($s) = @_;
	my $o = '';

	for my $block (split(/\n{2,}/, $s)) {
		$o .= ".P\n";
		if ($block =~ /^(?: {2,}|\t)/) {
			$o .= ".nf\n" . join('', map { line(escape($_)) } split(/\n/, $block)) . ".fi\n";
		} else {
			$o .= prose($block);
		}
	}
	return $o;
}

sub code {
	my ($s) = @_;

	return join('', map { line(escape($_)) } map { expand($_) =~ s/^((?: {8})+)/' ' x (length($1) \/ 2)/er }
		split(/\n/, $s));
}

# "struct x - what", then "@field: text", then paragraphs.
sub type_text {
	my ($t) = @_;
	my ($kind, $name) = $t->{text} =~ /^(struct|enum) (\w+)/;
	my $o = ".SS $kind $name\n";
	my @lines = split(/\n/, $t->{comment} // '');
	my $first = shift @lines // '';
	my (@fields, $rest);

	$first =~ s/^$kind $name - //;
	$first =~ s/\.?$/./;
	$o .= prose(ucfirst($first)) . ".P\n" if length $first > 1;
	$o .= ".nf\n" . code($t->{text}) . ".fi\n";
	for my $l (@lines) {
		if (!defined $rest && $l =~ /^(\@\w+(?:, \@\w+)*): (.*)/) {
			push @fields, [$1, $2];
		} elsif (!defined $rest && $l =~ /^\t(.*)/ && @fields) {
			$fields[-1][1] .= " $1";
		} elsif (defined $rest || ($l !~ /^\s*$/)) {
			$rest = ($rest // '') . "$l\n";
		}
	}
	for my $f (@fields) {
		(my $names = $f->[0]) =~ s/\@(\w+)/\\fI$1\\fP/g;
		$o .= ".TP\n$names\n" . prose($f->[1]);
	}
	$o .= text_blocks($rest) if defined $rest;
	return $o;
}

sub synopsis {
	my ($s) = @_;
	my @o;

	push @o, ".B \"" . escape(expand($_)) . "\"\n" for split(/\n/, $s);
	return join('', @o);
}

sub page_text {
	my ($page) = @_;
	my @names = @{$page->{names}};
	my @fns = map { $functions{$_} // die "$pages_file: no header has $_()\n" } @names;
	my $o = ".\\\" SPDX-License-Identifier: LGPL-2.1-or-later OR MIT\n" .
		".\\\" Made by mkman.pl from <$fns[0]{header}>.\n" .
		".TH " . uc($names[0]) . " 3 $date libgh-runner \"libgh-runner manual\"\n" .
		".SH NAME\n" . join(",\n", @names) . "\n\\- $page->{title}\n" .
		".SH SYNOPSIS\n.nf\n.B #include <$fns[0]{header}>\n.P\n";

	$o .= synopsis($_->{text}) for @fns;
	$o .= ".fi\n.SH DESCRIPTION\n";
	my $body = defined $page->{about} ? text_blocks($page->{about}) : '';
	$body .= text_blocks($_) for @{$page->{intro}};
	for my $i (0 .. $#fns) {
		my $c = $fns[$i]{comment};
		next if !defined $c;
		my $call = $fns[$i]{text} =~ /\(/ ? '()' : '';
		$body .= @fns > 1 ? ".SS $names[$i]$call\n" . (text_blocks($c) =~ s/^\.P\n//r) : text_blocks($c);
	}
	$body .= type_text($_) for @{$page->{types}};
	$body =~ s/^\.P\n//;
	$body = ucfirst($page->{title}) . ".\n" if $body eq '';
	$o .= $body;
	$o .= $returns if grep { $_->{text} =~ /^int / } @fns;
	return $o . $rest;
}

# ---- all pages ------------------------------------------------------------------------

sub write_file {
	my ($name, $text) = @_;

	open(my $f, '>', "$out/$name.3") or die "$out/$name.3: $!\n";
	print $f $text;
	close($f) or die "$out/$name.3: $!\n";
}

sub slurp {
	my ($path) = @_;

	open(my $f, '<', $path) or die "$path: $!\n";
	local $/;
	return scalar <$f>;
}

sub overview {
	my $o = slurp("$here/libgh-runner.3.in");
	my $example = slurp("$here/../examples/minimal.c") =~ s{^.*?\*/\n}{}sr;
	my $list = join('', map { ".TP\n.BR $_->{names}[0] (3)\n" . ucfirst($_->{title}) . ".\n" } @pages);

	$o =~ s/\@DATE\@/$date/;
	$o =~ s/\@PAGES\@\n/$list/;
	$o =~ s/\@EXAMPLE\@\n/code($example)/e;
	return $o;
}

read_pages();
read_header($_) for @headers;
die "$pages_file: no header has $_\n" for sort keys %page_of_type;
for my $page (@pages) {
	my ($first, @more) = @{$page->{names}};

	write_file($first, page_text($page));
	for my $name (@more) {
		unlink("$out/$name.3");
		symlink("$first.3", "$out/$name.3") or die "$out/$name.3: $!\n";
	}
}
write_file('libgh-runner', overview());
