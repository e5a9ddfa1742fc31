//! Pickles, read as data.
//!
//! pytorch-reader 0.22 reads pickles as well. It keeps no order of tensors, puts the tensors of an optimiser
//! among the weights, and turns a call of an unknown function into an empty value instead of refusing it by
//! name; so the few instructions that `torch.save` writes are interpreted here.

use std::collections::HashMap;

use super::fault::Fault;
use super::globals::global;
use super::pickle_value::{Global, Storage, Value, Values};
use super::rebuild::{build, call};

/// The most bytes of a pickle that are read; that of a checkpoint of a thousand tensors has a fifth of one MB.
pub(super) const LONGEST_PICKLE: u64 = 16 << 20;

/// A pickle's value, everything that it is made of, and the bytes that the pickle has.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    pub(super) root: Value<'a>,
    pub(super) values: Values<'a>,
    pub(super) length: usize,
}

/// Reads the pickle at the head of `bytes`.
///
/// Nothing in it is run: a call makes a tensor, an ordered dictionary or one of the few other values that
/// [`global`] lists, or is refused by name. Work and memory are proportional to the bytes.
///
/// # Errors
///
/// A [`Fault`] that says at which byte the pickle is damaged or what it asks for.
pub(super) fn read_pickle(bytes: &[u8]) -> Result<Pickle<'_>, Fault> {
    let mut machine = Machine {
        bytes,
        at: 0,
        began: 0,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        values: Values::default(),
    };
    loop {
        machine.began = machine.at;
        let opcode = machine.byte()?;
        if opcode == STOP {
            let root = machine.pop()?;
            return Ok(Pickle { root, length: machine.at, values: machine.values });
        }
        machine.step(opcode)?;
    }
}

const STOP: u8 = b'.';

struct Machine<'a> {
    bytes: &'a [u8],
    /// The next byte to read.
    at: usize,
    /// Where the instruction began that is being carried out.
    began: usize,
    stack: Vec<Value<'a>>,
    /// Heights of the stack where marks were set.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    values: Values<'a>,
}

impl<'a> Machine<'a> {
    fn step(&mut self, opcode: u8) -> Result<(), Fault> {
        match opcode {
            0x80 => self.take(1).map(drop),
            0x95 => self.take(8).map(drop),
            b'(' => self.mark(),
            b'0' => self.pop().map(drop),
            b'1' => self.popped_to_mark().map(drop),
            b'2' => self.top().and_then(|top| self.push(top)),
            b'N' | b'\x88' | b'\x89' | b'K' | b'M' | b'J' | b'G' | b'\x8a' | b'\x8b' => self.number(opcode),
            b'X' | b'\x8c' | b'\x8d' | b'T' | b'U' | b'B' | b'C' | b'\x8e' | b'\x96' => self.string(opcode),
            b')' | b'\x85' | b'\x86' | b'\x87' | b't' | b']' | b'l' | b'a' | b'e' => self.sequence(opcode),
            b'}' | b'd' | b's' | b'u' => self.dictionary(opcode),
            b'\x8f' | b'\x90' | b'\x91' => self.set(opcode),
            b'q' | b'r' | b'\x94' | b'h' | b'j' => self.memory(opcode),
            b'c' | b'i' | b'\x93' => self.named(opcode),
            b'R' | b'\x81' => self.call(),
            b'b' => self.build(),
            b'Q' => self.storage(),
            _ => Err(Fault::Opcode { opcode, at: self.began }),
        }
    }

    fn number(&mut self, opcode: u8) -> Result<(), Fault> {
        let value = match opcode {
            b'\x88' => Value::Bool(true),
            b'\x89' => Value::Bool(false),
            b'K' => Value::Int(self.byte()?.into()),
            b'M' => Value::Int(u16::from_le_bytes(self.array()?).into()),
            b'J' => Value::Int(i32::from_le_bytes(self.array()?).into()),
            b'\x8a' => self.byte().map(usize::from).and_then(|length| self.long(length))?,
            b'\x8b' => self.length4().and_then(|length| self.long(length))?,
            b'G' => self.take(8).map(|_| Value::Opaque)?,
            _ => Value::Opaque,
        };
        self.push(value)
    }

    /// An integer of any length; one of more than 64 bits is not looked at.
    fn long(&mut self, length: usize) -> Result<Value<'a>, Fault> {
        let bytes = self.take(length)?;
        let Some(&last) = bytes.last() else { return Ok(Value::Int(0)) };
        if length > 8 {
            return Ok(Value::Opaque);
        }
        let mut all = [if last < 0x80 { 0 } else { 0xff }; 8];
        all[..length].copy_from_slice(bytes);
        Ok(Value::Int(i64::from_le_bytes(all)))
    }

    fn string(&mut self, opcode: u8) -> Result<(), Fault> {
        let length = match opcode {
            b'\x8c' | b'U' | b'C' => self.byte()?.into(),
            b'\x8d' | b'\x8e' | b'\x96' => {
                let length = u64::from_le_bytes(self.array()?);
                usize::try_from(length).or(Err(self.expected("a length that fits into memory")))?
            }
            _ => self.length4()?,
        };
        let bytes = self.take(length)?;
        // Python writes halves of characters too, which are no UTF-8 and name no tensor.
        let text = matches!(opcode, b'X' | b'\x8c' | b'\x8d' | b'T' | b'U').then(|| std::str::from_utf8(bytes).ok());
        self.push(text.flatten().map_or(Value::Opaque, Value::Text))
    }

    fn sequence(&mut self, opcode: u8) -> Result<(), Fault> {
        let value = match opcode {
            b'a' | b'e' => return self.append(opcode),
            b')' => self.values.tuple(Vec::new()),
            b']' => self.values.list(Vec::new()),
            b'l' => self.popped_to_mark().map(|items| self.values.list(items))?,
            b't' => self.popped_to_mark().map(|items| self.values.tuple(items))?,
            _ => self.popped(1 + usize::from(opcode - b'\x85')).map(|items| self.values.tuple(items))?,
        };
        self.push(value)
    }

    fn append(&mut self, opcode: u8) -> Result<(), Fault> {
        let mut items = if opcode == b'a' { self.popped(1)? } else { self.popped_to_mark()? };
        match self.top()? {
            Value::List(list) => self.values.sequences[list].append(&mut items),
            Value::Opaque => {}
            _ => return Err(self.expected("a list to append to")),
        }
        Ok(())
    }

    /// Sets are made and not looked at.
    fn set(&mut self, opcode: u8) -> Result<(), Fault> {
        if opcode != b'\x8f' {
            self.popped_to_mark()?;
        }
        match opcode {
            b'\x90' if self.top()? != Value::Opaque => Err(self.expected("a set to add to")),
            b'\x90' => Ok(()),
            _ => self.push(Value::Opaque),
        }
    }

    fn dictionary(&mut self, opcode: u8) -> Result<(), Fault> {
        if opcode == b'}' {
            let dict = self.values.dict();
            return self.push(dict);
        }
        let items = if opcode == b's' { self.popped(2)? } else { self.popped_to_mark()? };
        if opcode == b'd' {
            let dict = self.values.dict();
            self.stack.push(dict);
        }
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.expected("a value for every key"));
        }
        match self.top()? {
            Value::Dict(dict) => self.values.dicts[dict].extend(pairs.iter().map(|[key, value]| (*key, *value))),
            Value::Opaque => {}
            _ => return Err(self.expected("a dictionary to put items into")),
        }
        Ok(())
    }

    fn memory(&mut self, opcode: u8) -> Result<(), Fault> {
        let slot = match opcode {
            b'q' | b'h' => self.byte()?.into(),
            b'\x94' => u32::try_from(self.memo.len()).or(Err(self.expected("fewer values to remember")))?,
            _ => u32::from_le_bytes(self.array()?),
        };
        if matches!(opcode, b'h' | b'j') {
            let value = self.memo.get(&slot).copied().ok_or(self.expected("a value that was remembered"))?;
            return self.push(value);
        }
        let top = self.top()?;
        self.memo.insert(slot, top);
        Ok(())
    }

    fn named(&mut self, opcode: u8) -> Result<(), Fault> {
        let (module, name) = if opcode == b'\x93' {
            match self.popped(2)?[..] {
                [Value::Text(module), Value::Text(name)] => (module, name),
                _ => return Err(self.expected("a module and a name")),
            }
        } else {
            (self.line()?, self.line()?)
        };
        let global = global(module, name, self.began)?;
        if opcode == b'i' {
            return Err(Fault::Opcode { opcode, at: self.began });
        }
        self.push(Value::Global(global))
    }

    /// A call of what the pickle named, as far as it is data.
    fn call(&mut self) -> Result<(), Fault> {
        let [Value::Global(callee), arguments] = self.popped(2)?[..] else {
            return Err(self.expected("something to call"));
        };
        let items = self.values.few(arguments).ok_or(self.expected("a tuple of arguments"))?;
        let made =
            call(&mut self.values, callee, &items).ok_or(self.expected("the arguments that torch.save writes"))?;
        self.push(made)
    }

    /// Gives an object its attributes.
    fn build(&mut self) -> Result<(), Fault> {
        let (state, object) = (self.pop()?, self.top()?);
        if build(&mut self.values, object, state) { Ok(()) } else { Err(self.expected("a value that has attributes")) }
    }

    /// `("storage", type, key, device, count)`; old files add `None`.
    fn storage(&mut self) -> Result<(), Fault> {
        let id = self.pop()?;
        let storage = match self.values.items(id) {
            Some(
                &[Value::Text("storage"), Value::Global(Global::Storage(element)), Value::Text(key), _, count]
                | &[
                    Value::Text("storage"),
                    Value::Global(Global::Storage(element)),
                    Value::Text(key),
                    _,
                    count,
                    Value::Opaque,
                ],
            ) => count.size().map(|count| Storage { key, element, count }),
            _ => None,
        };
        self.values.storages.push(storage.ok_or(self.expected("a storage's type, key and number of elements"))?);
        self.push(Value::Storage(self.values.storages.len() - 1))
    }

    fn expected(&self, expected: &'static str) -> Fault {
        Fault::Pickle { at: self.began, expected }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..count).ok_or(self.expected("more bytes than there are"))?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N).map(|bytes| *bytes.first_chunk().expect("that many were taken"))
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        self.array().map(|[byte]| byte)
    }

    fn length4(&mut self) -> Result<usize, Fault> {
        self.array().map(|bytes| u32::from_le_bytes(bytes) as usize)
    }

    /// Text up to the end of the line.
    fn line(&mut self) -> Result<&'a str, Fault> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| *byte == b'\n').ok_or(self.expected("the end of a line"))?;
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length]).or(Err(self.expected("a name in UTF-8")))
    }

    /// Puts a value on the stack, which always works, and so ends an instruction.
    fn push(&mut self, value: Value<'a>) -> Result<(), Fault> {
        self.stack.push(value);
        Ok(())
    }

    fn mark(&mut self) -> Result<(), Fault> {
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn top(&self) -> Result<Value<'a>, Fault> {
        self.stack.last().copied().ok_or(self.expected("a value to work on"))
    }

    /// Where the items begin that may be taken: above the last mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Value<'a>, Fault> {
        self.popped(1).map(|items| items[0])
    }

    fn popped(&mut self, count: usize) -> Result<Vec<Value<'a>>, Fault> {
        let left = self.stack.len().checked_sub(count).filter(|left| *left >= self.floor());
        Ok(self.stack.split_off(left.ok_or(self.expected("values to work on"))?))
    }

    fn popped_to_mark(&mut self) -> Result<Vec<Value<'a>>, Fault> {
        let mark = self.marks.pop().ok_or(self.expected("a mark"))?;
        Ok(self.stack.split_off(mark))
    }
}
