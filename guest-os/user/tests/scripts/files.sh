umask 022; mkdir d; echo hi > a; printf '3\n1\n' > b; ln -s a l; echo x > d/y; chmod 600 b; touch -d '2020-01-02 03:04:05' a b d/y d; ln a h
ls; ls -a; ls -A; ls -1F; ls -d d; ls d a; ls -R; ls -p; ls -r; ls -l a b d/y; ls -ld d; ls -lh a; ls -l l | cut -c1-10; ls -s a; ls -S; ls -t a b; ls -n a; ls -ln a | wc -l; ls -lS a b
cp a c; cat c; cp -r d e; ls e; cp -p a p; ls -l p; cp a b d; ls d; cp d x 2>/dev/null; echo $?; cp -r d e; ls e; cp -f c c2; cp l k; ls -l k | cut -c1; cp -a l m; ls -l m | cut -c1
mv c g; ls g; mv a b e; ls e; mv e/a .; mv -n a b 2>/dev/null; mv p d/; ls d; mv nope x 2>/dev/null; echo $?; mv d dd; ls dd
rm g; rm -f nope; rm dd 2>/dev/null; echo $?; rm -r dd; ls; rm -rf e nope
mkdir -p p/q/r; rmdir p/q/r; rmdir p 2>/dev/null; echo $?; rmdir -p p/q; ls -d p 2>/dev/null; mkdir -m 700 s; ls -ld s | cut -c1-10; mkdir -v t
ln -s x y; readlink y; ln -sf z y; readlink y; ln h h2; stat -c %h h; ln -s y s/; ls s; ln nope q 2>/dev/null; echo $?
chmod u+x,g=rw a; stat -c '%a %A' a; chmod 4755 a; stat -c '%a %A' a; chmod go-rwx a; stat -c %A a; chmod -R a+rX s; stat -c %a s; chmod +t s; stat -c %A s; chmod a=r a; stat -c %a a
stat -c '%n %s %F %h %u %g %Y %f' a h; stat -c '%F' s l /dev/null; stat -c '%y' h; touch new; stat -c '%s %F' new; touch -r h new; stat -c %Y new; touch -c none; ls none 2>/dev/null; echo $?; touch -m -d @5 new; stat -c %Y new
mkdir -p f/g; touch f/1.c f/g/2.c f/3.h; ln -s 1.c f/lnk; find f | sort; find f -name '*.c' | sort; find f -type d | sort; find f -type l; find f -maxdepth 1 -type f | sort; find f -mindepth 2; find f -name '*.c' -exec echo found {} \; | sort; find f ! -name '*.c' -type f; find f \( -name '*.h' -o -type l \) | sort; find f -empty -type f | sort; find f -name g -prune -o -type f -print | sort; find f -size +0c -type f; find f -newer h -name '1*'; find f -depth | tail -1; find f -name '*.h' -delete; ls f; find f -path '*g/2*'
[ -h l ] && [ -L l ] && [ -s h ] && [ ! -s new ] && [ -x / ] && [ h -ef h2 ] && [ f -nt h ] && echo attributes
test -r h -a -w h; echo $?; cd f; pwd -P > ../pwd; cd ..; [ "$(cat pwd)" = "$(pwd)/f" ] && echo pwd
