if true; then echo t; else echo f; fi
if false; then echo t; elif true; then echo e; else echo f; fi
i=0; while [ $i -lt 5 ]; do i=$((i+1)); [ $i = 2 ] && continue; [ $i = 4 ] && break; echo i$i; done
until [ $i = 6 ]; do i=$((i+1)); done; echo $i
for a in 1 2; do for b in x y; do [ $b = y ] && continue 2; echo $a$b; done; done
for a in 1 2; do for b in x y; do break 2; done; done; echo $a$b
f() { echo "f: $1 $#"; return 3; }
f one "two three"; echo $?
g() { x=changed; local y=inner; echo $y; }; y=outer; g; echo $x $y
r() { [ $1 = 0 ] && return 0; echo $1; r $(($1-1)); }; r 3
case foo.c in *.h) echo h;; *.c|*.cc) echo c;; *) echo other;; esac
case x in (x) echo paren;; esac
case none in a) echo a;; esac; echo $?
(exit 7); echo $?
{ echo g1; echo g2; } | cat -n
true && echo and || echo or; false && echo and || echo or
! true; echo $?; ! false; echo $?
true | false; echo $?; false | true; echo $?
(x=sub; echo $x); echo $x
echo a | while read v; do echo "read $v"; done
seq 3 | (read a; echo "first $a"; cat)
echo one; echo two &
wait
sh -c 'exit 5'; echo $?
sh -c 'sh -c "kill -9 \$\$"; exit $?' 2>/dev/null; echo $?
set -e
if false; then :; fi
false || echo survived
! true
(set +e; false; echo still)
sh -c 'set -e; false; echo not here'; echo not here either
