echo x > f; mkdir d; ln -s loop loop
ls nope; echo $?; ls d nope; echo $?; cat nope; echo $?; cat d; cat f nope f; echo $?; cat loop
cp nope x; cp d x; cp f nope/x; echo $?; mv nope x; mv f nope/x; rm nope; rm d; echo $?; rmdir f; rmdir nope; mkdir d; mkdir nope/x; echo $?
ln nope x; ln -s a f; chmod 644 nope; touch nope/x; stat nope; head nope; tail nope; wc nope; sort nope; echo $?; uniq nope; grep x nope; echo $?; grep x d; find nope; echo $?; tee nope/x < /dev/null; echo $?
ls -Z9 2>/dev/null; echo $?; cat -z; cat --bad; echo $?; mkdir; cp; cp f; mv f; rm; ln; touch; head -n x f; sleep x; sleep; basename; dirname; date -d xx; seq x 2>/dev/null; uname x; cut f; cut -f 0 f 2>/dev/null; echo $?; env nosuch; echo $?; cp f f; mv f f; sort -k0 f 2>/dev/null; echo $?; chmod q f 2>/dev/null; echo $?; rm .; rm -r ..; mv d f; mkdir f/x; cat f/x
