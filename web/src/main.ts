import './style.css';
import {mount} from 'svelte';
import ReportPage from './report/ReportPage.svelte';

const target = document.getElementById('page')!;
const inlined = document.getElementById('data');
if (inlined) mount(ReportPage, {target, props: {data: JSON.parse(inlined.textContent!)}});
