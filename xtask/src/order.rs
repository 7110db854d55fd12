//! Puts a module's functions in the order of their names, for brotli's sake.
//!
//! A generic function is compiled once for each of its types, and these copies differ in a
//! few bytes. wasm-bindgen writes functions by their size; with the copies side by side,
//! brotli finds what they share, and copies that do not differ become one. Indices follow,
//! so the module does what it did. The names, and whatever else is in custom sections, are
//! for tools and stay here.

use std::collections::HashMap;
use std::convert::Infallible;

use anyhow::{Context as _, Result};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, FunctionSection, Module};
use wasmparser::{
    CodeSectionReader, CustomSectionReader, FunctionBody, FunctionSectionReader, KnownCustom, Name,
    NameSectionReader, Naming, Parser, Payload, TypeRef,
};

type Reencoded = Result<(), reencode::Error<Infallible>>;

/// Writes a module anew, its functions in the order of their names.
pub(crate) fn by_name(module: &[u8]) -> Result<Vec<u8>> {
    let mut order = Order::of(module)?;
    let mut ordered = Module::new();
    order
        .parse_core_module(&mut ordered, Parser::new(0), module)
        .context("cannot put a module's functions in order")?;
    Ok(ordered.finish())
}

/// Which function goes where.
struct Order {
    /// The functions that stay, by their old places among the bodies, in the new order.
    bodies: Vec<usize>,
    /// The new index of each function; imports, which come first, keep theirs.
    indices: Vec<u32>,
}

impl Order {
    fn of(module: &[u8]) -> Result<Self> {
        let mut imports = 0;
        let mut types: Vec<u32> = Vec::new();
        let mut bodies: Vec<&[u8]> = Vec::new();
        let mut names: Vec<(usize, &str)> = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            if let Payload::ImportSection(section) = payload {
                for import in section.into_imports() {
                    imports += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            } else if let Payload::FunctionSection(section) = payload {
                types = section.into_iter().collect::<Result<_, _>>()?;
            } else if let Payload::CodeSectionEntry(body) = payload {
                bodies.push(body.as_bytes());
            } else if let Payload::CustomSection(section) = payload
                && let KnownCustom::Name(section) = section.as_known()
            {
                names.extend(names_in(section)?);
            }
        }
        let mut named = vec![""; imports + bodies.len()];
        for (index, name) in names {
            *named.get_mut(index).context("a function has a name and no body")? = name;
        }
        let mut order: Vec<usize> = (0..bodies.len()).collect();
        order.sort_by_key(|place| (named[imports + place], bodies[*place]));
        let mut indices: Vec<u32> = (0..u32::try_from(named.len())?).collect();
        let mut kept = Vec::new();
        let mut known: HashMap<(u32, &[u8]), u32> = HashMap::new();
        for place in order {
            let next = u32::try_from(imports + kept.len())?;
            let index = *known.entry((types[place], bodies[place])).or_insert(next);
            if index == next {
                kept.push(place);
            }
            indices[imports + place] = index;
        }
        Ok(Self { bodies: kept, indices })
    }
}

/// The functions that have names, by their indices.
fn names_in(section: NameSectionReader<'_>) -> Result<Vec<(usize, &str)>> {
    let mut names = Vec::new();
    for part in section {
        if let Name::Function(functions) = part? {
            for named in functions {
                let Naming { index, name } = named?;
                names.push((index as usize, plain(name)));
            }
        }
    }
    Ok(names)
}

/// A name without the hash that tells the copies of a function apart.
fn plain(name: &str) -> &str {
    name.rsplit_once("::h").map_or(name, |(name, _)| name)
}

impl Reencode for Order {
    type Error = Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, reencode::Error<Infallible>> {
        Ok(self.indices[index as usize])
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Reencoded {
        let types = section.into_iter().collect::<Result<Vec<u32>, _>>()?;
        for place in &self.bodies {
            functions.function(types[*place]);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Reencoded {
        let bodies = section.into_iter().collect::<Result<Vec<FunctionBody<'_>>, _>>()?;
        for place in self.bodies.clone() {
            self.parse_function_body(code, bodies[place].clone())?;
        }
        Ok(())
    }

    fn parse_custom_section(&mut self, _: &mut Module, _: CustomSectionReader<'_>) -> Reencoded {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        EntityType, ExportKind, ExportSection, Function, ImportSection, Instruction, NameMap,
        NameSection, TypeSection,
    };
    use wasmparser::Operator;

    use super::*;

    /// Imports `outside`; `b`, which is exported, calls it and both copies of `a`, which is of
    /// another type.
    fn module() -> Vec<u8> {
        let mut types = TypeSection::new();
        types.ty().function([], []);
        types.ty().function([], [wasm_encoder::ValType::I32]);
        let mut imports = ImportSection::new();
        imports.import("m", "outside", EntityType::Function(0));
        let mut functions = FunctionSection::new();
        functions.function(0).function(1).function(1);
        let mut exports = ExportSection::new();
        exports.export("run", ExportKind::Func, 1);
        let mut code = CodeSection::new();
        for body in [
            [0, 2, 3].map(Instruction::Call).as_slice(),
            &[Instruction::I32Const(7)],
            &[Instruction::I32Const(7)],
        ] {
            let mut function = Function::new([]);
            for instruction in body {
                function.instruction(instruction);
            }
            code.function(function.instruction(&Instruction::End));
        }
        let mut named = NameMap::new();
        named.append(1, "b::h0");
        named.append(2, "a::h1");
        named.append(3, "a::h2");
        let mut names = NameSection::new();
        names.functions(&named);
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&exports);
        module.section(&code).section(&names);
        module.finish()
    }

    /// The functions that a body calls.
    fn calls(body: &FunctionBody<'_>) -> Vec<u32> {
        let operators = body.get_operators_reader().unwrap().into_iter().map(Result::unwrap);
        let call = |operator| {
            if let Operator::Call { function_index } = operator {
                Some(function_index)
            } else {
                None
            }
        };
        operators.filter_map(call).collect()
    }

    #[test]
    fn functions_go_by_name_and_once_and_whoever_calls_them_finds_them() {
        let ordered = by_name(&module()).unwrap();
        let (mut types, mut called) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(&ordered) {
            let payload = payload.unwrap();
            if let Payload::FunctionSection(section) = payload {
                types.extend(section.into_iter().map(Result::unwrap));
            } else if let Payload::ExportSection(section) = payload {
                assert_eq!(section.into_iter().next().unwrap().unwrap().index, 2);
            } else if let Payload::CodeSectionEntry(body) = payload {
                called.push(calls(&body));
            } else {
                assert!(!matches!(payload, Payload::CustomSection(_)));
            }
        }
        assert_eq!((types, called), (vec![1, 0], vec![vec![], vec![0, 1, 1]]));
    }
}
